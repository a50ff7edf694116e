"""Calls of the API: each function says what to request and how to read its answer; it sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from vigil.client.models import Answered, Incident, Monitor, MonitorKind, Region, Silence, Trial

AnswerT = TypeVar("AnswerT")
#: Values of a query; several values of one parameter are a list.
Query = Mapping[str, str | int | bool | list[str]]


@dataclass(frozen=True, slots=True)
class Call(Generic[AnswerT]):
    """One request. `answer` is the type of its document; None where the answer has none."""

    method: str
    path: str
    answer: type[AnswerT]
    query: Query = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[AnswerT]):
    """A list, read page by page; `item` is the type of its rows."""

    path: str
    item: type[AnswerT]
    query: Query = field(default_factory=dict)


def monitors(**filters: Any) -> Listing[Monitor]:
    """Monitors by the filters of the API, such as `status="down"` or `tag=["prod", "chat"]`."""
    return Listing("monitors", Monitor, filters)


def monitor(public_id: str) -> Call[Monitor]:
    return Call("GET", f"monitors/{quote(public_id, safe='')}", Monitor)


def monitor_kinds() -> Listing[MonitorKind]:
    """Every kind that regions check."""
    return Listing("monitors/kinds", MonitorKind)


def create_monitor(**fields: Any) -> Call[Monitor]:
    """A new monitor; without `regions`, every enabled region checks it."""
    return Call("POST", "monitors", Monitor, body=fields)


def change_monitor(public_id: str, **fields: Any) -> Call[Monitor]:
    return Call("PATCH", f"monitors/{quote(public_id, safe='')}", Monitor, body=fields)


def pause(public_id: str) -> Call[Monitor]:
    return Call("POST", f"monitors/{quote(public_id, safe='')}/pause", Monitor)


def resume(public_id: str) -> Call[Monitor]:
    return Call("POST", f"monitors/{quote(public_id, safe='')}/resume", Monitor)


def delete_monitor(public_id: str, *, force: bool = False) -> Call[None]:
    """Delete it; with `force` also when composites, routes or objectives use it."""
    return Call("DELETE", f"monitors/{quote(public_id, safe='')}", type(None), {"force": True} if force else {})


def try_monitor(public_id: str, regions: list[str] | None = None) -> Call[Trial]:
    """Check it once now, and wait for what each region sees; nothing follows from it."""
    body = {} if regions is None else {"regions": regions}
    return Call("POST", f"monitors/{quote(public_id, safe='')}/test", Trial, body=body)


def try_unsaved(**fields: Any) -> Call[Trial]:
    """The same for a monitor that is not saved, described as for `create_monitor`."""
    return Call("POST", "monitors/test", Trial, body=fields)


def incidents(**filters: Any) -> Listing[Incident]:
    """Incidents, newest first, by the filters of the API, such as `open=True`."""
    return Listing("incidents", Incident, filters)


def incident(public_id: str) -> Call[Incident]:
    return Call("GET", f"incidents/{quote(public_id, safe='')}", Incident)


def acknowledge(public_id: str) -> Call[Answered]:
    return Call("POST", f"incidents/{quote(public_id, safe='')}/acknowledge", Answered)


def take_back(public_id: str) -> Call[Answered]:
    return Call("POST", f"incidents/{quote(public_id, safe='')}/take-back", Answered)


def snooze(public_id: str, minutes: int) -> Call[Answered]:
    return Call("POST", f"incidents/{quote(public_id, safe='')}/snooze", Answered, body={"minutes": minutes})


def note(public_id: str, text: str) -> Call[Answered]:
    return Call("POST", f"incidents/{quote(public_id, safe='')}/notes", Answered, body={"text": text})


def silences(**filters: Any) -> Listing[Silence]:
    return Listing("silences", Silence, filters)


def create_silence(**fields: Any) -> Call[Silence]:
    return Call("POST", "silences", Silence, body=fields)


def end_silence(public_id: str) -> Call[Silence | None]:
    """End its current window; the answer is None where nothing of it is left."""
    return Call("POST", f"silences/{quote(public_id, safe='')}/end", Silence | None)  # type: ignore[arg-type]


def regions() -> Listing[Region]:
    return Listing("regions", Region)
