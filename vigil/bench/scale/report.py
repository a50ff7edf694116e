"""The numbers of one step of the scale benchmark, from what the simulated regions and the verdicts say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import redis

from consensus.verdicts import decode_verdict
from probes import keys
from probes.reasons import Status
from vigil.bench.measure import percentile, verdict_lag_ms


@dataclass(frozen=True)
class SeenChecks:
    """What the simulated regions answered within a window: lags in ms, each with how many checks had it."""

    lags: Counter[int]
    confirmed: int
    #: Between the two reports, which are written once a second (s).
    seconds: float

    @property
    def checks(self) -> int:
        return self.lags.total()

    def lag_s(self, part: float) -> float | None:
        """The nearest-rank percentile of the schedule lag, in seconds; None of nothing."""
        rank, passed = part * self.checks, 0
        for lag_ms, count in sorted(self.lags.items()):
            passed += count
            if passed >= rank:
                return round(lag_ms / 1000, 4)
        return None


class Lags:
    """The regions' running counts at the start of a window."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._lags, self._confirmed = _counts(report), int(report.get("confirmed", 0))
        self._at_s = float(report.get("at_s", 0.0))

    def until(self, report: Mapping[str, Any]) -> SeenChecks:
        seconds = float(report.get("at_s", 0.0)) - self._at_s
        return SeenChecks(_counts(report) - self._lags, int(report.get("confirmed", 0)) - self._confirmed, seconds)


class VerdictLags:
    """From the end of the last vote that was needed to the verdict, of all that is found to be down from now on."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        last = cast(list[tuple[bytes, Any]], client.xrevrange(keys.VERDICTS, count=1))
        self._place = last[0][0].decode() if last else "0"

    def read(self) -> list[float]:
        """In seconds."""
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], self._redis.xrange(keys.VERDICTS, f"({self._place}"))
        verdicts = [decode_verdict(fields[keys.BODY]) for _, fields in entries]
        return [verdict_lag_ms(verdict) / 1000 for verdict in verdicts if verdict.status is Status.DOWN]


def step_report(monitors: int, seen: SeenChecks, verdict_lags: list[float]) -> dict[str, object]:
    """What does not depend on the processes."""
    verdict_lag = percentile(verdict_lags, 0.99)
    return {
        "monitors": monitors,
        "checks": seen.checks,
        "confirming": seen.confirmed,
        "checks_per_s": round(seen.checks / seen.seconds, 1),
        "schedule_lag_p50_s": seen.lag_s(0.5),
        "schedule_lag_p99_s": seen.lag_s(0.99),
        "verdicts_down": len(verdict_lags),
        "verdict_lag_p99_s": None if verdict_lag is None else round(verdict_lag, 4),
    }


def _counts(report: Mapping[str, Any]) -> Counter[int]:
    return Counter({int(lag): int(count) for lag, count in report.get("lags", {}).items()})
