"""Prober interface: what a prober gets, what it returns, and how it refuses a bad spec."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from probes.reasons import Reason, Status
from probes.wire import DETAIL_LIMIT, Fact, Phases

if TYPE_CHECKING:
    # For types only: specs and assertions import this module and stay pure.
    from probes.net.dialer import Dialer
    from probes.net.trace import Trace

NO_PHASES = Phases()
#: The fact by which a prober says how long the target asks to wait before the next check (s).
RETRY_AFTER = "retry_after_s"
#: The fact by which a prober says that its monitor is to be paused, and why: its checks stop until it is changed.
PAUSE = "pause"


class SpecCode(StrEnum):
    """Machine-readable code of what is wrong with a configuration."""

    INVALID = "invalid"
    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_CHOICE = "unknown_choice"
    WRONG_TYPE = "wrong_type"


class SpecError(ValueError):
    """A monitor's configuration that no prober would run: which field, and what is wrong with it."""

    def __init__(self, field: str, problem: str, code: SpecCode = SpecCode.INVALID) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.code = code


@dataclass(frozen=True, slots=True)
class AssertionOutcome:
    """Result of one assertion. `status` and `reason` are those of its failure, else UP and OK."""

    passed: bool
    expected: str
    found: str = ""
    status: Status = Status.UP
    reason: Reason = Reason.OK

    @property
    def detail(self) -> str:
        """A failure in one line."""
        return f"expected {self.expected}; found {self.found}"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one attempt saw. `code` is the protocol's own, or 0; `detail` and `facts` never hold a secret.

    `outcomes` has every assertion's outcome, where `ProbeContext.explain` asked for them.
    """

    status: Status
    reason: Reason
    phases: Phases = NO_PHASES
    code: int = 0
    detail: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    outcomes: tuple[AssertionOutcome, ...] = ()


class ModelListSink(Protocol):
    """Takes the body of a models list that a check has read."""

    def note(self, monitor: str, revision: int, provider: str, body: bytes, now_ms: int) -> None: ...


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """What a prober may use in one attempt: the dialer, the trace to mark, and the wall clock (seconds).

    `monitor` and `round` name the check, for a prober that keeps state; `explain` asks for every assertion's outcome.
    `timeout_s` is the deadline of the attempt, for a prober that has something to say by then; 0 where it has none.
    `models` takes the body of a models list, where the worker tells those; `revision` is that of the monitor.
    `traceparent` is the header of the check's trace, where the monitor asks for it.
    """

    dialer: Dialer
    trace: Trace
    now_s: float
    monitor: str = ""
    round: str = ""
    explain: bool = False
    timeout_s: float = 0.0
    revision: int = 0
    models: ModelListSink | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Prober:
    """One protocol. `validate` and `validate_secrets` raise SpecError; `probe` raises what `failures.explain` knows.

    `least_interval_s`: the server that is asked counts requests, so a monitor of this kind is not checked more often.
    """

    spec: type[msgspec.Struct]
    validate: Callable[[Any], None]
    validate_secrets: Callable[[Mapping[str, str]], None]
    probe: Callable[[Any, Mapping[str, str], ProbeContext], Awaitable[Observation]]
    least_interval_s: int = 0


def printable(text: str) -> str:
    """Text that a target sent, made safe for one line of a log or an alert."""
    if len(text) > DETAIL_LIMIT:
        text = text[: DETAIL_LIMIT - 1] + "…"
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
