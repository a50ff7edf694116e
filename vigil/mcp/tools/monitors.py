"""Tools over monitors: `list_monitors`, `get_monitor`, `trial_monitor` and `pause_monitor`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import OutsideText, TextOrigin, one_line, outside_text
from vigil.mcp.listing import ListAsked, Rows, listed
from vigil.mcp.tool import Tool, ToolEffect, ToolScope

REGIONS_MOST, TAGS_MOST = 10, 8
MonitorName = Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="Id (mon_...) or exact name.")]


class MonitorsAsked(ListAsked, frozen=True):
    status: Literal["", "up", "degraded", "down", "unknown", "paused"] = ""
    kind: Annotated[str, msgspec.Meta(max_length=20, description="Such as http, heartbeat or composite.")] = ""
    tag: Annotated[str, msgspec.Meta(max_length=50)] = ""
    search: Annotated[str, msgspec.Meta(max_length=100, description="Part of a name.")] = ""


class MonitorInList(msgspec.Struct, frozen=True):
    id: str
    name: str
    kind: str
    status: str
    tags: list[str]


class ListedMonitors(msgspec.Struct, frozen=True):
    """Monitors, newest first. `more` is the cursor to the next ones."""

    monitors: list[MonitorInList]
    more: str | None
    link: str


class MonitorAsked(ToolArguments, frozen=True):
    monitor: MonitorName


class RegionResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """Last result of a region; `said` is what the target answered."""

    region: str
    status: str
    reason: str
    at: str | None
    ms: float | None = None
    said: OutsideText | None = None


class MonitorShown(msgspec.Struct, frozen=True):
    """A monitor, what the regions agreed on, and what each saw last. `target` is written by people of the team."""

    id: str
    name: str
    kind: str
    status: str
    since: str | None
    account: bool
    flapping: bool
    blind: bool
    target: OutsideText | None
    interval_s: int
    sensitivity: str
    tags: list[str]
    results_available: bool
    results: list[RegionResult]
    results_left_out: int
    link: str


class TrialSight(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one region saw in a trial."""

    region: str
    state: str
    status: str
    reason: str
    said: OutsideText | None = None


class TrialShown(msgspec.Struct, frozen=True):
    """A trial: what each region saw, and what the regions would decide. It counts for nothing."""

    state: str
    status: str
    reason: str
    words: str
    regions: list[TrialSight]
    regions_left_out: int
    link: str


class PauseAsked(ToolArguments, frozen=True):
    monitor: MonitorName
    paused: Annotated[bool, msgspec.Meta(description="False resumes its checks.")] = True


class PauseDone(msgspec.Struct, frozen=True):
    id: str
    paused: bool
    link: str


def list_monitors(api: CallerApi, asked: MonitorsAsked) -> ListedMonitors:
    """Monitors of the team, by status, kind, tag or part of a name."""

    def build(rows: Rows, more: str | None) -> ListedMonitors:
        found = [
            MonitorInList(row["id"], one_line(row["name"]), row["kind"], row["status"], _tags(row, 4)) for row in rows
        ]
        return ListedMonitors(found, more, api.link(""))

    query = {"status": asked.status, "kind": asked.kind, "tag": asked.tag, "q": asked.search}
    return listed(api, "monitors", asked, build, **query, fields="id,name,kind,status,tags")


def get_monitor(api: CallerApi, asked: MonitorAsked) -> MonitorShown:
    """One monitor: its state, since when, and the last result of every region."""
    id = api.monitor_id(asked.monitor)
    row, state, latest = (api.get(f"monitors/{id}{rest}") for rest in ("", "/state", "/latest"))
    results = sorted(latest["results"], key=lambda one: (one["status"] == "up", one["region"]))

    def build(count: int) -> MonitorShown:
        return MonitorShown(
            id, one_line(row["name"]), row["kind"], row["status"], state["since"], state["account"],
            state["flapping"], state["blind"], outside_text(row["target"], TextOrigin.PERSON),
            row["interval_s"], row["sensitivity"], _tags(row, TAGS_MOST), latest["available"],
            [_result(one) for one in results[:count]], len(results) - count, api.link("monitors", id),
        )  # fmt: skip

    return fitting(build, min(REGIONS_MOST, len(results)))


def trial_monitor(api: CallerApi, asked: MonitorAsked) -> TrialShown:
    """Check a monitor once now, from all its regions, and say what they would decide.

    It sends requests to the target. It is no vote, is not stored, and alerts nobody. A team has 20 a minute.
    """
    id = api.monitor_id(asked.monitor)
    found = api.post(f"monitors/{id}/test", {})
    verdict, regions = found["verdict"] or {}, found["regions"]

    def build(count: int) -> TrialShown:
        return TrialShown(
            found["state"], verdict.get("status", ""), verdict.get("reason", ""),
            f"{verdict.get('n', 0)} regions voted, {verdict.get('m', 0)} of them for this.",
            [_sight(one) for one in regions[:count]], len(regions) - count, api.link("monitors", id),
        )  # fmt: skip

    return fitting(build, min(REGIONS_MOST, len(regions)))


def pause_monitor(api: CallerApi, asked: PauseAsked) -> PauseDone:
    """Pause the checks of a monitor, or resume them. An open incident of a paused monitor is resolved."""
    id = api.monitor_id(asked.monitor)
    row = api.post(f"monitors/{id}/{'pause' if asked.paused else 'resume'}")
    return PauseDone(id, row["paused"], api.link("monitors", id))


def _tags(row: dict[str, Any], most: int) -> list[str]:
    return [one_line(tag, 32) for tag in row["tags"][:most]]


def _result(row: dict[str, Any]) -> RegionResult:
    said = outside_text(row["detail"], TextOrigin.TARGET)
    ms = row["phases_ms"].get("total")
    return RegionResult(row["region"], row["status"] or "unknown", row["reason"] or "", row["at"], ms, said)


def _sight(row: dict[str, Any]) -> TrialSight:
    said = outside_text(row["detail"], TextOrigin.TARGET)
    return TrialSight(row["region"], row["state"], row["status"] or "unknown", row["reason"] or "", said)


TOOLS = {
    "list_monitors": Tool(list_monitors),
    "get_monitor": Tool(get_monitor),
    "trial_monitor": Tool(trial_monitor, ToolScope.WRITE, ToolEffect.ADDS, is_idempotent=False, closed=False),
    "pause_monitor": Tool(pause_monitor, ToolScope.WRITE, ToolEffect.CHANGES),
}
