"""Objects of the API as the client reads them; a field that a newer server adds is ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

ItemT = TypeVar("ItemT")


class Page(msgspec.Struct, Generic[ItemT], frozen=True):
    """One page of a list; `next` is the address of the page after it."""

    results: list[ItemT]
    next: str | None = None


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    kind: str
    status: str
    target: str
    interval_s: int
    timeout_ms: int
    sensitivity: str
    priority: str
    paused: bool
    regions: list[str]
    tags: list[str]
    revision: int
    config: dict[str, Any] = {}
    warnings: list[str] = []


class MonitorKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of monitor: the JSON Schema of its `config`, and a `config` as an example."""

    kind: str
    words: str
    least_interval_s: int
    schema: dict[str, Any]
    example: dict[str, Any]


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    monitor: str | None
    kind: str
    title: str
    opened_at: datetime
    resolved_at: datetime | None = None
    started_at: datetime | None = None
    failure: str = ""
    flapping: bool = False
    provider: str = ""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    holds: bool
    mutes: bool
    pauses: bool
    excludes: bool
    #: A server of an earlier release has none.
    regions: list[str] = []
    coming: list[Window]


class Window(msgspec.Struct, frozen=True):
    starts: datetime
    ends: datetime


class Region(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    name: str
    domain: str
    enabled: bool
    alive: bool | None
    quarantine: str | None = None


class Answered(msgspec.Struct, frozen=True):
    """Answer to a response; `already` where nothing was changed."""

    answer: str


class TrialAssertion(msgspec.Struct, frozen=True, kw_only=True):
    passed: bool
    expected: str
    actual: str


class TrialRegion(msgspec.Struct, frozen=True, kw_only=True):
    """One region's answer; `words` is the line that an alert would show."""

    region: str
    state: str
    words: str
    status: str | None
    reason: str | None
    not_counted: str
    assertions: list[TrialAssertion]


class TrialVerdict(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    reason: str
    explanation: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One look from every region asked; it counts for nothing."""

    id: str
    kind: str
    target: str
    state: str
    regions: list[TrialRegion]
    verdict: TrialVerdict | None
