"""Tool `explain_state`: gathers what is known of a provider or monitor, and answers by the pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from vigil.history.core.minutes_lost import LossClass
from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import OutsideText, TextOrigin, one_line, outside_text
from vigil.mcp.core.route_choice import RouteReason, routes_of
from vigil.mcp.core.schemas import ArgumentsRefused
from vigil.mcp.core.state_answer import AllRight, StateReason, answer_of
from vigil.mcp.core.state_facts import StateFacts
from vigil.mcp.tool import Tool
from vigil.mcp.tools.state_reading import monitors_of_provider, read_state

#: Monitors of a provider that are told beside the one that is explained.
OTHERS_MOST, SIGHTS_MOST = 5, 8


class ExplainAsked(ToolArguments, frozen=True):
    provider: Annotated[str, msgspec.Meta(max_length=40, description="Key of a provider, such as openai.")] = ""
    monitor: Annotated[str, msgspec.Meta(max_length=200, description="Id or name: its key is the key meant.")] = ""
    region: Annotated[str, msgspec.Meta(max_length=40, description="Slug, such as eu-west; empty for all.")] = ""


class ToldRoute(msgspec.Struct, frozen=True):
    """A way to route to; `id` is a monitor's, empty for an offer of a gateway."""

    id: str
    name: str
    reason: RouteReason
    words: str


class ToldSight(msgspec.Struct, frozen=True, omit_defaults=True):
    """Last result of one region, with what the target said."""

    region: str
    status: str
    reason: str
    access: str = "unknown"
    said: OutsideText | None = None


class ToldOther(msgspec.Struct, frozen=True):
    """Another monitor of the same provider."""

    id: str
    name: str
    status: str


class StateExplained(msgspec.Struct, frozen=True):
    """The verdict in plain words, whose fault it is, its evidence, and what to route to instead.

    `all_right` is for the key of `monitor`, from `region`. `feed` is what the provider's own status page tells.
    """

    all_right: AllRight
    reason: StateReason
    fault: LossClass | None
    words: str
    monitor: str
    provider: str
    region: str
    incident: str | None
    key: str
    feed: list[OutsideText]
    feed_is_read: bool
    route_to: list[ToldRoute]
    regions: list[ToldSight]
    others: list[ToldOther]
    left_out: Annotated[int, msgspec.Meta(description="Regions and monitors that are not shown here.")]
    link: str


def explain_state(api: CallerApi, asked: ExplainAsked) -> StateExplained:
    """Is this provider all right, from this region, with my key, and what should I route to instead?

    Give a provider, or the monitor that has the key you mean. The verdict is that of a quorum of regions.
    """
    if not asked.provider and not asked.monitor:
        raise ArgumentsRefused("Give a provider or a monitor: list_monitors shows both.")
    others: list[dict[str, Any]] = []
    if asked.monitor:
        chosen = api.monitor_id(asked.monitor)
    else:
        others = monitors_of_provider(api, asked.provider)
        chosen = others[0]["id"]
    facts, incident = read_state(api, chosen, asked.region)
    return explained(api, facts, incident, [one for one in others if one["id"] != chosen])


def explained(
    api: CallerApi, facts: StateFacts, incident: str | None, others: Sequence[dict[str, Any]]
) -> StateExplained:
    """The answer for these facts; `others` are rows of monitors of the same provider."""
    verdict, routes = answer_of(facts), routes_of(facts)
    feed = facts.feed
    # The region that was asked about first, then those that fail.
    sights = sorted(facts.sights, key=lambda one: (one.region != facts.region, one.status == "up", one.region))
    rows = min(SIGHTS_MOST, max(len(sights), len(others)))

    def build(count: int) -> StateExplained:
        regions = [
            ToldSight(one.region, one.status, one.reason, one.access, outside_text(one.detail, TextOrigin.TARGET, 120))
            for one in sights[:count]
        ]
        more = [ToldOther(one["id"], one_line(one["name"]), one["status"]) for one in others[: min(count, OTHERS_MOST)]]
        return StateExplained(
            verdict.all_right, verdict.reason, verdict.fault, one_line(verdict.words, 260),
            facts.id, facts.provider, facts.region, incident,
            one_line(facts.key.words, 100) if facts.key else "",
            [text for title in (feed.titles[:2] if feed else ()) if (text := _of_feed(title))],
            bool(feed and feed.is_read),
            [ToldRoute(one.id, one_line(one.name, 40), one.reason, one_line(one.words, 100)) for one in routes],
            regions, more, len(sights) - len(regions) + len(others) - len(more),
            api.link("monitors", facts.id),
        )  # fmt: skip

    return fitting(build, rows)


def _of_feed(title: str) -> OutsideText | None:
    return outside_text(title, TextOrigin.PROVIDER, 80)


TOOLS = {"explain_state": Tool(explain_state)}
