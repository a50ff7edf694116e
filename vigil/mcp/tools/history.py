"""Tools over stored history: `get_latency` and `get_uptime`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import one_line
from vigil.mcp.tool import Tool
from vigil.mcp.tools.monitors import MonitorName

DAYS_MOST, STEPS_MOST, WORST_MOST = 400, 14, 8
Days = Annotated[int, msgspec.Meta(ge=1, le=DAYS_MOST, description="Length in days, up to now.")]


class LatencyAsked(ToolArguments, frozen=True):
    monitor: MonitorName
    days: Days = 7
    region: Annotated[str, msgspec.Meta(max_length=40, description="Slug; empty for all regions.")] = ""


class DayLatency(msgspec.Struct, frozen=True):
    """Percentiles of a day in ms; null where nothing passed. `checks` and `failed` count checks."""

    day: str
    p50: float | None
    p95: float | None
    p99: float | None
    checks: int
    failed: int


class LatencyShown(msgspec.Struct, frozen=True):
    """Latency in ms, over the whole time and by day, newest first. `error` is the relative error of a percentile."""

    monitor: str
    region: str
    whole: DayLatency | None
    days: list[DayLatency]
    days_left_out: int
    error: float
    link: str


class UptimeAsked(ToolArguments, frozen=True):
    monitor: Annotated[str, msgspec.Meta(max_length=200, description="Id or name; empty for the whole team.")] = ""
    tag: Annotated[str, msgspec.Meta(max_length=50, description="For the team: only monitors with this tag.")] = ""
    days: Days = 30


class UptimePart(msgspec.Struct, frozen=True):
    """Uptime of a day or a monitor, from 0 to 1; null where it was not watched."""

    of: str
    uptime: float | None
    down_s: int


class UptimeShown(msgspec.Struct, frozen=True):
    """Uptime from 0 to 1; `parts` are the worst days of a monitor, or the worst monitors of a page of the team."""

    of: str
    since: str
    uptime: float | None
    up_s: int
    down_s: int
    degraded_s: int
    excluded_s: int
    parts: list[UptimePart]
    parts_left_out: int
    link: str


def get_latency(api: CallerApi, asked: LatencyAsked) -> LatencyShown:
    """Percentiles of a monitor's response time, by day and over the whole time."""
    id = api.monitor_id(asked.monitor)
    path, query = f"monitors/{id}/percentiles", {"days": asked.days, "regions": asked.region}
    whole = api.get(path, by="all", **query)["steps"]
    found = api.get(path, by="day", **query)
    days = [_day(one) for one in reversed(found["steps"])]

    def build(count: int) -> LatencyShown:
        all_of_it = _day(whole[0]) if whole else None
        link = api.link("monitors", id)
        return LatencyShown(id, asked.region, all_of_it, days[:count], len(days) - count, found["error"], link)

    return fitting(build, min(STEPS_MOST, len(days)))


def get_uptime(api: CallerApi, asked: UptimeAsked) -> UptimeShown:
    """Uptime of a monitor or of the whole team: planned maintenance is excluded, and degraded time counts as up."""
    id = api.monitor_id(asked.monitor) if asked.monitor else ""
    if id:
        found = api.get(f"monitors/{id}/uptime", days=asked.days)
        parts = [UptimePart(one["date"], one["uptime"], one["down_s"]) for one in found["days"]]
    else:
        found = api.get("uptime", days=asked.days, tag=asked.tag)
        parts = [
            UptimePart(f"{one['id']} {one_line(one['name'], 48)}", one["uptime"], one["down_s"])
            for one in found["monitors"]
        ]
    worst = sorted((part for part in parts if part.down_s), key=lambda part: -part.down_s)

    def build(count: int) -> UptimeShown:
        return UptimeShown(
            id or "team", found["from"], found["uptime"], found["up_s"], found["down_s"], found["degraded_s"],
            found["excluded_s"], worst[:count], len(worst) - count, api.link("monitors", id) if id else api.link(""),
        )  # fmt: skip

    return fitting(build, min(WORST_MOST, len(worst)))


def _day(step: dict[str, Any]) -> DayLatency:
    counts = [step[name] for name in ("up", "degraded", "down", "unknown")]
    return DayLatency(step["from"][:10], step["p50"], step["p95"], step["p99"], sum(counts), step["down"])


TOOLS = {
    "get_latency": Tool(get_latency),
    "get_uptime": Tool(get_uptime),
}
