"""Answers of simulated targets: latencies by monitor, and which of them fail."""

from __future__ import annotations

import random
from hashlib import blake2b

from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Check, Phases, Result

#: One check in this many fails, so that rounds are opened steadily.
BLIP_ONE_IN = 20_000
_TYPICAL, _VARIED = 64, 64


class Answers:
    """Answer of each monitor: its latency varies by a fifth; failure while its target is down."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.down: frozenset[str] = frozenset()
        self._phases = [self._varied(30_000 * 1.05**typical) for typical in range(_TYPICAL)]

    def of(self, check: Check, now_ms: int) -> Result:
        """The answer to a check that starts now."""
        draw = self._random.getrandbits(24)
        fails = check.monitor in self.down or (not check.round and draw % BLIP_ONE_IN == 0)
        return Result(
            v=WIRE_VERSION,
            monitor=check.monitor,
            at_ms=check.at_ms,
            status=Status.DOWN if fails else Status.UP,
            reason=Reason.REFUSED if fails else Reason.OK,
            started_ms=max(now_ms, check.at_ms),
            phases=self._took(check.monitor, draw),
            round=check.round,
            look=check.look,
            code=0 if fails else 200,
            detail="connection refused" if fails else "",
            revision=check.revision,
        )

    def scheduled(self, monitor: str, revision: int, at_ms: int, is_down: bool) -> Result:
        """The answer to a scheduled check that starts at its slot."""
        draw = self._random.getrandbits(24)
        took = self._took(monitor, draw)
        if is_down or draw % BLIP_ONE_IN == 0:
            return Result(
                WIRE_VERSION,
                monitor,
                at_ms,
                Status.DOWN,
                Reason.REFUSED,
                at_ms,
                took,
                detail="connection refused",
                revision=revision,
            )
        return Result(WIRE_VERSION, monitor, at_ms, Status.UP, Reason.OK, at_ms, took, code=200, revision=revision)

    def _took(self, monitor: str, draw: int) -> Phases:
        return self._phases[blake2b(monitor.encode(), digest_size=1).digest()[0] % _TYPICAL][draw % _VARIED]

    def _varied(self, total_us: float) -> list[Phases]:
        totals = [int(total_us * self._random.uniform(0.8, 1.2)) for _ in range(_VARIED)]
        return [Phases(total // 20, total // 8, total // 4, total // 2, total) for total in totals]
