"""Tools over who is told: `who_is_on_call`, `dry_run_alert` and `silence`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import one_line
from vigil.mcp.listing import ListAsked, Rows, listed
from vigil.mcp.tool import Tool, ToolEffect, ToolScope

CHANNELS_MOST, STEPS_MOST = 8, 6
#: A week, as for a snooze.
MINUTES_MOST = 7 * 24 * 60


class OnCallAsked(ListAsked, frozen=True):
    pass


class OnCallShift(msgspec.Struct, frozen=True):
    """A rotation and who is on call now; `person` is empty where nobody is."""

    rotation: str
    person: str
    until: str | None
    covers: bool


class OnCallShown(msgspec.Struct, frozen=True):
    """Who is on call now, by rotation. `covers`: the person stands in for another."""

    rotations: list[OnCallShift]
    more: str | None
    link: str


class DryRunAsked(ToolArguments, frozen=True):
    monitor: Annotated[str, msgspec.Meta(max_length=200, description="Id or name; empty: an incident without one.")] = (
        ""
    )
    kind: Literal["outage", "degraded", "account", "regional", "blind", "heartbeat", "slo", "channel", "external"] = (
        "outage"
    )


class DryRunChannel(msgspec.Struct, frozen=True):
    """A channel and what would become of the alert there, with why."""

    name: str
    kind: str
    outcome: str
    why: str
    withheld: str


class DryRunStep(msgspec.Struct, frozen=True):
    """A step of an escalation policy: after so many seconds, whom it calls."""

    policy: str
    after_s: int
    who: list[str]


class DryRunShown(msgspec.Struct, frozen=True):
    """Who would be told if such an incident opened now. Nothing is sent. `nobody` is an alarm in itself."""

    kind: str
    severity: str
    nobody: bool
    told: list[DryRunChannel]
    escalation: list[DryRunStep]
    left_out: int
    link: str


class SilenceAsked(ToolArguments, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, description="Shown on what it holds.")]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MINUTES_MOST)]
    reason: Annotated[str, msgspec.Meta(max_length=500, description="For other people.")] = ""
    monitors: Annotated[list[str], msgspec.Meta(max_length=20, description="Ids or names.")] = []
    tags: Annotated[list[str], msgspec.Meta(max_length=20)] = []
    pauses_checks: Annotated[bool, msgspec.Meta(description="Whether nothing is checked meanwhile either.")] = False


class SilenceMade(msgspec.Struct, frozen=True):
    id: str
    name: str
    ends_at: str | None
    link: str


def who_is_on_call(api: CallerApi, asked: OnCallAsked) -> OnCallShown:
    """Who is on call now, in each rotation."""

    def build(rows: Rows, more: str | None) -> OnCallShown:
        return OnCallShown([_shift(api, row) for row in rows], more, api.link("on-call"))

    return listed(api, "rotations", asked, build, fields="id,name")


def dry_run_alert(api: CallerApi, asked: DryRunAsked) -> DryRunShown:
    """Who would be told if an incident opened now, and why not the others. It sends nothing."""
    monitor = api.monitor_id(asked.monitor) if asked.monitor else ""
    found = api.get("whom", monitor=monitor, kind=asked.kind)
    told = [
        DryRunChannel(
            one_line(one["name"], 48), one["kind"], one["outcome"],
            one_line(f"{one['why']} {one['because']}".strip(), 80), one["withheld"],
        )
        for one in found["told"]
    ]  # fmt: skip
    steps = [
        DryRunStep(one_line(one["policy"], 48), one["after_s"], [one_line(who, 48) for who in one["who"][:4]])
        for one in found["escalation"]
    ]

    def build(count: int) -> DryRunShown:
        shown = told[: min(count, CHANNELS_MOST)], steps[: min(count, STEPS_MOST)]
        left_out = len(told) + len(steps) - len(shown[0]) - len(shown[1])
        return DryRunShown(
            found["kind"], found["severity"], found["nobody"], *shown, left_out, api.link("on-call", "routes")
        )

    return fitting(build, max(CHANNELS_MOST, STEPS_MOST))


def silence(api: CallerApi, asked: SilenceAsked) -> SilenceMade:
    """Hold alerts of monitors or tags for a while, from now on. What is still down when it ends is alerted then.

    It never silences everything: name monitors or tags. Do it only when a person asked for it.
    """
    body: dict[str, Any] = {
        "name": asked.name, "reason": asked.reason, "duration_s": asked.minutes * 60, "pauses": asked.pauses_checks,
        "monitors": [api.monitor_id(one) for one in asked.monitors], "tags": asked.tags,
    }  # fmt: skip
    made = api.post("silences", body)
    ends = made["coming"][0]["ends"] if made["coming"] else None
    return SilenceMade(made["id"], one_line(made["name"]), ends, api.link("on-call", "silences"))


def _shift(api: CallerApi, rotation: dict[str, Any]) -> OnCallShift:
    now = api.get(f"rotations/{rotation['id']}/on-call")["results"]
    name = one_line(rotation["name"])
    if not now:
        return OnCallShift(name, "", None, False)
    return OnCallShift(name, one_line(now[0]["name"]), now[0]["ends"], now[0]["covers"])


TOOLS = {
    "who_is_on_call": Tool(who_is_on_call),
    "dry_run_alert": Tool(dry_run_alert),
    "silence": Tool(silence, ToolScope.WRITE, ToolEffect.ADDS, is_idempotent=False),
}
