"""Phase timings of one attempt, marked as they happen, so that a timeout still shows how far it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from probes.reasons import Reason, Status
from probes.wire import Phases


@dataclass(slots=True)
class Keepsake:
    """Details of one attempt, kept for `check` and not by workers: certificates (DER, leaf first), TLS version, cipher
    and ALPN, the headers of the answer, and the redirects."""

    chain: list[bytes] = field(default_factory=list)
    tls: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    hops: list[str] = field(default_factory=list)


class Trace:
    """Durations in seconds, summed over the hops of one attempt; `address` is the last one dialled.

    `passed_over` names the other addresses of the same name that did not let us in before. `at_deadline` says what was
    heard by then, if the time is over before the answer is whole; None leaves it a plain timeout.
    """

    __slots__ = (
        "_mark",
        "address",
        "at_deadline",
        "connect",
        "dns",
        "first_byte",
        "kept",
        "passed_over",
        "phase",
        "started",
        "tls",
    )

    def __init__(self, kept: Keepsake | None = None) -> None:
        self.kept = kept
        self.started = self._mark = perf_counter()
        self.dns = self.connect = self.tls = self.first_byte = 0.0
        self.phase = ""
        self.address = ""
        self.passed_over = ""
        self.at_deadline: Callable[[], tuple[Status, Reason, str] | None] | None = None

    def begin(self, phase: str) -> None:
        """Start a phase: `dns`, `connect`, `tls` or `first_byte` (`body` after that is only in the total)."""
        self.phase = phase
        self._mark = perf_counter()

    def resolved(self) -> None:
        self.dns += perf_counter() - self._mark

    def connected(self) -> None:
        self.connect += perf_counter() - self._mark

    def secured(self) -> None:
        self.tls += perf_counter() - self._mark

    def answered(self) -> None:
        self.first_byte += perf_counter() - self._mark
        self.phase = "body"

    def total_us(self) -> int:
        return int((perf_counter() - self.started) * 1e6)

    def phases(self) -> Phases:
        """The phases so far, in microseconds."""
        return Phases(
            int(self.dns * 1e6),
            int(self.connect * 1e6),
            int(self.tls * 1e6),
            int(self.first_byte * 1e6),
            self.total_us(),
        )
