"""Tools that show the whole: `get_overview` and `list_regions`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments, cursor_of
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import OutsideText, one_line
from vigil.mcp.listing import ListAsked, Rows, listed
from vigil.mcp.tool import Tool
from vigil.mcp.tools.incidents import outside_title, own_title

#: Monitors of one page of states, and pages that are read: more monitors than that are not counted.
PAGE, PAGES_MOST = 1_000, 5
TROUBLE_MOST, INCIDENTS_MOST = 6, 5
#: The worst first.
_TROUBLE = {"down": 0, "account": 1, "degraded": 2, "unknown": 3}


class OverviewAsked(ToolArguments, frozen=True):
    """Nothing."""


class TroubledMonitor(msgspec.Struct, frozen=True):
    id: str
    name: str
    status: str


class OpenIncident(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    kind: str
    title: str
    opened_at: str
    said: OutsideText | None = None


class TeamOverview(msgspec.Struct, frozen=True):
    """Counts of monitors by status, those in trouble, and what is open. `account`: the provider refuses the key."""

    team: str
    monitors: dict[str, int]
    counted_all: bool
    trouble: list[TroubledMonitor]
    trouble_left_out: int
    incidents: list[OpenIncident]
    more_incidents: bool
    scopes: list[str]
    link: str


class RegionsAsked(ListAsked, frozen=True):
    pass


class RegionShown(msgspec.Struct, frozen=True):
    """A region. `votes` is False while it is off, silent or in quarantine; `alive` is null while that is not known."""

    slug: str
    domain: str
    enabled: bool
    alive: bool | None
    quarantine: str
    votes: bool
    heard_at: str | None


class RegionsShown(msgspec.Struct, frozen=True):
    regions: list[RegionShown]
    more: str | None
    link: str


def get_overview(api: CallerApi, asked: OverviewAsked) -> TeamOverview:
    """Start here: counts of monitors by status, the worst of them, open incidents, and what this token may do."""
    me = api.get("me")
    rows, counted_all = _states(api)
    page = api.get("incidents", open=True, limit=INCIDENTS_MOST)
    shown = [(_shown_status(row), row) for row in rows]
    worst = sorted(
        (pair for pair in shown if pair[0] in _TROUBLE), key=lambda pair: (_TROUBLE[pair[0]], pair[1]["name"])
    )
    incidents = [
        OpenIncident(one["id"], one["kind"], own_title(one, 80), one["opened_at"], outside_title(one, 80))
        for one in page["results"]
    ]

    def build(count: int) -> TeamOverview:
        trouble = [TroubledMonitor(row["id"], one_line(row["name"], 48), status) for status, row in worst[:count]]
        return TeamOverview(
            one_line(me["team"]["name"]), dict(Counter(status for status, _ in shown)), counted_all,
            trouble, len(worst) - len(trouble), incidents[: count or 1], bool(page["next"]) or len(incidents) > count,
            me["scopes"], api.link(""),
        )  # fmt: skip

    return fitting(build, TROUBLE_MOST)


def list_regions(api: CallerApi, asked: RegionsAsked) -> RegionsShown:
    """The regions that check, whether each is heard, and whether its votes count now."""

    def build(rows: Rows, more: str | None) -> RegionsShown:
        return RegionsShown([_region(row) for row in rows], more, api.link("regions"))

    return listed(api, "regions", asked, build)


def _states(api: CallerApi) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(PAGES_MOST):
        page = api.get("states", limit=PAGE, cursor=cursor)
        found += page["states"]
        cursor = cursor_of(page["next"])
        if cursor is None:
            return found, True
    return found, False


def _shown_status(row: dict[str, Any]) -> str:
    if row["paused"]:
        return "paused"
    return "account" if row["account"] else str(row["status"])


def _region(row: dict[str, Any]) -> RegionShown:
    votes = bool(row["enabled"] and row["alive"] and not row["quarantine"])
    quarantine = one_line(row["quarantine"] or "", 80)
    return RegionShown(
        row["slug"], one_line(row["domain"]), row["enabled"], row["alive"], quarantine, votes, row["heard_at"]
    )


TOOLS = {
    "get_overview": Tool(get_overview),
    "list_regions": Tool(list_regions),
}
