"""Tools over incidents: `list_incidents`, `get_incident`, `acknowledge_incident` and `add_note`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from vigil.client import ApiError
from vigil.incidents.core.model import IncidentKind
from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import OutsideText, TextOrigin, one_line, outside_text
from vigil.mcp.listing import ListAsked, Rows, listed
from vigil.mcp.tool import Tool, ToolEffect, ToolScope

STEPS_MOST, VOTES_MOST = 4, 6
#: Title of an incident that another system reported.
REPORTED = "Reported by another system"
IncidentId = Annotated[str, msgspec.Meta(pattern=r"^inc_[0-9a-z]{1,20}$", description="Such as inc_4kq7.")]


class IncidentsAsked(ListAsked, frozen=True):
    state: Literal["", "open", "acknowledged", "snoozed", "resolved"] = ""
    only_open: Annotated[bool, msgspec.Meta(description="Whether resolved ones are left out.")] = True
    monitor: Annotated[str, msgspec.Meta(max_length=200, description="Id or name of a monitor.")] = ""
    provider: Annotated[str, msgspec.Meta(max_length=40, description="Key of a provider, such as openai.")] = ""


class IncidentLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """An incident. `said`: what another system that reported it calls it."""

    id: str
    kind: str
    title: str
    failure: str
    opened_at: str
    resolved_at: str | None
    monitor: str | None
    said: OutsideText | None = None


class ListedIncidents(msgspec.Struct, frozen=True):
    """Incidents, newest first. `more` is the cursor to the next ones."""

    incidents: list[IncidentLine]
    more: str | None
    link: str


class IncidentAsked(ToolArguments, frozen=True):
    incident: IncidentId


class RegionVote(msgspec.Struct, frozen=True, omit_defaults=True):
    """Vote of a region in the last verdict; `counted` is False where it was excluded."""

    region: str
    status: str
    reason: str
    counted: bool
    said: OutsideText | None = None


class StepShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step of the timeline; `text` is what a person or the target said."""

    at: str
    step: str
    reason: str
    actor: str = ""
    told: int = 0
    text: OutsideText | None = None


class IncidentShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """An incident, the votes of its last verdict, and its last steps. `told` counts the channels that were sent it.

    `said`: what another system that reported it calls it.
    """

    id: str
    kind: str
    title: str
    failure: str
    opened_at: str
    resolved_at: str | None
    monitor: str | None
    provider: str
    acknowledged_by: str
    snoozed_until: str | None
    lead: str
    votes: list[RegionVote]
    steps: list[StepShown]
    left_out: int
    link: str
    said: OutsideText | None = None


class NoteAsked(ToolArguments, frozen=True):
    incident: IncidentId
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class IncidentAnswered(msgspec.Struct, frozen=True):
    """`already`: nothing was changed, and nobody was told."""

    id: str
    answer: str
    link: str


def list_incidents(api: CallerApi, asked: IncidentsAsked) -> ListedIncidents:
    """Incidents, newest first: those that are open unless you ask for all."""

    def build(rows: Rows, more: str | None) -> ListedIncidents:
        found = [
            IncidentLine(
                row["id"], row["kind"], own_title(row, 80), row["failure"], row["opened_at"],
                row["resolved_at"], row["monitor"], outside_title(row, 80),
            )
            for row in rows
        ]  # fmt: skip
        return ListedIncidents(found, more, api.link("incidents"))

    monitor = api.monitor_id(asked.monitor) if asked.monitor else ""
    is_open = True if asked.only_open and not asked.state else None
    return listed(
        api, "incidents", asked, build, state=asked.state, open=is_open, monitor=monitor, provider=asked.provider
    )


def get_incident(api: CallerApi, asked: IncidentAsked) -> IncidentShown:
    """One incident: what the regions voted, what happened since, and who was told."""
    path = f"incidents/{asked.incident}"
    row, votes = api.get(path), _votes(api, path)
    steps = [_step(one, row["kind"]) for one in row["transitions"]][::-1]
    pursuit, lead = row["pursuit"] or {}, row["lead"] or {}

    def build(count: int) -> IncidentShown:
        shown = votes[: min(count, VOTES_MOST)], steps[: min(count, STEPS_MOST)]
        return IncidentShown(
            row["id"], row["kind"], own_title(row, 120), row["failure"], row["opened_at"], row["resolved_at"],
            row["monitor"], row["provider"], one_line(pursuit.get("acknowledged_by") or "", 48),
            pursuit.get("snoozed_until"), one_line(lead.get("words") or "", 100),
            *shown, len(votes) + len(steps) - len(shown[0]) - len(shown[1]), api.link("incidents", row["id"]),
            outside_title(row, 120),
        )  # fmt: skip

    return fitting(build, max(VOTES_MOST, STEPS_MOST))


def acknowledge_incident(api: CallerApi, asked: IncidentAsked) -> IncidentAnswered:
    """Acknowledge an incident: calls and reminders stop until it gets worse. Do it only when a person asked for it."""
    answer = api.post(f"incidents/{asked.incident}/acknowledge")["answer"]
    return IncidentAnswered(asked.incident, answer, api.link("incidents", asked.incident))


def add_note(api: CallerApi, asked: NoteAsked) -> IncidentAnswered:
    """Write a note into the timeline of an incident, also when it is resolved."""
    answer = api.post(f"incidents/{asked.incident}/notes", {"text": asked.text})["answer"]
    return IncidentAnswered(asked.incident, answer, api.link("incidents", asked.incident))


def _votes(api: CallerApi, path: str) -> list[RegionVote]:
    """Votes of the last verdict, failing ones first; none where no verdict is stored, as for a heartbeat."""
    try:
        found = api.get(f"{path}/evidence")["votes"]
    except ApiError as refused:
        if refused.status != 404:
            raise
        return []
    votes = [
        RegionVote(
            one["region"], one["status"], one["reason"], one["counted"],
            outside_text(one["detail"], TextOrigin.TARGET, 80),
        )
        for one in found
    ]  # fmt: skip
    return sorted(votes, key=lambda vote: (vote.status == "up", not vote.counted, vote.region))


def own_title(row: dict[str, Any], most: int) -> str:
    """The title of an incident in our words: what another system calls its own is text from outside."""
    return REPORTED if row["kind"] == IncidentKind.EXTERNAL else one_line(row["title"], most)


def outside_title(row: dict[str, Any], most: int) -> OutsideText | None:
    return outside_text(row["title"], TextOrigin.OTHER_SYSTEM, most) if row["kind"] == IncidentKind.EXTERNAL else None


def _step(row: dict[str, Any], kind: str) -> StepShown:
    unsigned = TextOrigin.OTHER_SYSTEM if kind == IncidentKind.EXTERNAL else TextOrigin.TARGET
    origin = TextOrigin.PERSON if row["actor"] else unsigned
    text = outside_text(row["text"], origin, 120)
    told = sum(one["state"] == "sent" for one in row["told"])
    return StepShown(row["at"], row["step"], row["reason"], one_line(row["actor"], 48), told, text)


TOOLS = {
    "list_incidents": Tool(list_incidents),
    "get_incident": Tool(get_incident),
    "acknowledge_incident": Tool(acknowledge_incident, ToolScope.RESPOND, ToolEffect.CHANGES),
    "add_note": Tool(add_note, ToolScope.RESPOND, ToolEffect.ADDS, is_idempotent=False),
}
