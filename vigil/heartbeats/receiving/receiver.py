"""Ping receiver: parses, admits, timestamps and logs a call, whatever its transport."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from vigil.heartbeats.core.pings.address import PingCall, read_target
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.core.pings.wire import BODY_LIMIT, Method, Ping, PingKind
from vigil.heartbeats.core.rate_limit import Rates
from vigil.heartbeats.receiving.address_cache import AddressCache
from vigil.heartbeats.receiving.database_clock import DatabaseClock
from vigil.heartbeats.receiving.ping_log import PingLog

MAX_AGENT = 200

#: Called with the outcome, and the seconds to wait before the next call, if limited.
Answered = Callable[[PingOutcome, float], object]


@dataclass(slots=True)
class PingRequest:
    """A request: `body` may be cut, `size` is its full size, `heard` has the keywords that came behind the cut."""

    target: str
    method: Method
    origin: str = ""
    agent: str = ""
    body: bytes = b""
    size: int = 0
    heard: bytes = b""


class PingReceiver:
    """Accepts calls; calls `answered` for each once it is safe to answer."""

    def __init__(self, log: PingLog, known: AddressCache, clock: DatabaseClock) -> None:
        self._log = log
        self._known = known
        self._clock = clock
        self._rates = Rates()
        #: Calls by their answers; those that were logged are counted by the log, in batches.
        self.answers: Counter[PingOutcome] = Counter()

    def words_of(self, target: str) -> tuple[bytes, ...]:
        """Keywords of the heartbeat at an address, as far as is known."""
        call = read_target(target)
        return self._known.words_of(call.address) if call is not None else ()

    def take(self, request: PingRequest, answered: Answered) -> None:
        """Parse an HTTP call and write it."""
        call = read_target(request.target)
        if call is None:
            self.answers[PingOutcome.NO_ADDRESS] += 1
            answered(PingOutcome.NO_ADDRESS, 0.0)
            return
        self.keep(call, request, answered)

    def take_failure(self, request: PingRequest) -> None:
        """Write a call whose body did not arrive, if its address says that the job failed; no client waits for it."""
        call = read_target(request.target)
        if call is not None and call.kind is PingKind.FAIL:
            self.keep(call, request, lambda outcome, wait_s: None)

    def keep(self, call: PingCall, request: PingRequest, answered: Answered) -> None:
        """Write a parsed call."""
        now_s = time.monotonic()
        wait_s = self._rates.admit(call.address.code or f"{call.address.key}/{call.address.slug}", now_s)
        if wait_s:
            self.answers[PingOutcome.TOO_OFTEN] += 1
            answered(PingOutcome.TOO_OFTEN, wait_s)
        elif not self._known.admits(call.address, now_s):
            self.answers[PingOutcome.ACCEPTED] += 1
            answered(PingOutcome.ACCEPTED, 0.0)
        else:
            ping = stamped(call, request, self._clock.now_us())
            self._log.add(ping, lambda kept: answered(PingOutcome.ACCEPTED if kept else PingOutcome.TRY_AGAIN, 0.0))

    def beat(self) -> None:
        """Write a beat of this receiver to the log."""
        self._log.beat(self._clock.now_us())


def stamped(call: PingCall, request: PingRequest, at_us: int) -> Ping:
    """Ping of a call that arrived at `at_us`."""
    return Ping(
        id=ping_id(at_us),
        at_us=at_us,
        address=call.address,
        kind=call.kind,
        exit_code=call.exit_code,
        word=call.word,
        rid=call.rid,
        method=request.method,
        origin=request.origin,
        agent=request.agent[:MAX_AGENT],
        body=request.body[:BODY_LIMIT],
        body_size=request.size,
        heard=request.heard,
    )


def ping_id(at_us: int) -> str:
    """A new id (UUID version 7): close in time is close in the index."""
    random = secrets.randbits(74)
    value = (
        (at_us // 1000 & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    )
    return str(UUID(int=value))
