"""Figures of one step of the scale benchmark, from regions and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis

from consensus.verdicts import decode_verdict
from probes import keys
from probes.reasons import Status
from vigil.bench.measure import percentile, verdict_lag_ms
from vigil.local.environments import SHARDED


@dataclass(frozen=True)
class SeenChecks:
    """Checks answered within a window: lags in ms, with counts."""

    lags: Counter[int]
    confirmed: int
    #: Between two reports (s), written once a second.
    seconds: float

    @property
    def checks(self) -> int:
        return self.lags.total()

    def lag_s(self, part: float) -> float | None:
        """Nearest-rank percentile of the schedule lag, in seconds; None if empty."""
        rank, passed = part * self.checks, 0
        for lag_ms, count in sorted(self.lags.items()):
            passed += count
            if passed >= rank:
                return round(lag_ms / 1000, 4)
        return None


class Lags:
    """Running counts of the regions at the start of a window."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._lags, self._confirmed = _counts(report), int(report.get("confirmed", 0))
        self._at_s = float(report.get("at_s", 0.0))

    def until(self, report: Mapping[str, Any]) -> SeenChecks:
        seconds = float(report.get("at_s", 0.0)) - self._at_s
        return SeenChecks(_counts(report) - self._lags, int(report.get("confirmed", 0)) - self._confirmed, seconds)


class VerdictLags:
    """Lag from the last needed vote to the verdict, of monitors that go down from now on."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        last = cast(list[tuple[bytes, Any]], client.xrevrange(keys.VERDICTS, count=1))
        self._place = last[0][0].decode() if last else "0"

    def read(self) -> tuple[list[float], list[float], dict[str, int]]:
        """In seconds, until each was decided and until it was in the stream; how many each shard gave, by its name."""
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], self._redis.xrange(keys.VERDICTS, f"({self._place}"))
        verdicts = [decode_verdict(fields[keys.BODY]) for _, fields in entries]
        down = [place for place, verdict in enumerate(verdicts) if verdict.status is Status.DOWN]
        lags = [verdict_lag_ms(verdicts[place]) / 1000 for place in down]
        written_ms = [keys.entry_id(entries[place][0])[0] - verdicts[place].decided_ms for place in down]
        written = [lag + late_ms / 1000 for lag, late_ms in zip(lags, written_ms, strict=True)]
        return lags, written, dict(sorted(Counter(verdict.shard or "whole" for verdict in verdicts).items()))


def by_part(figures: Mapping[str, float]) -> dict[str, float]:
    """The sum over the shards of each part that has them."""
    return {
        part: round(sum(figure for name, figure in figures.items() if name.partition("-")[0] == part), 4)
        for part in SHARDED
    }


def step_report(monitors: int, seen: SeenChecks, verdicts: VerdictLags) -> dict[str, object]:
    """Figures independent of the processes."""
    verdict_lags, written_lags, by_shard = verdicts.read()
    return {
        "monitors": monitors,
        "checks": seen.checks,
        "confirming": seen.confirmed,
        "checks_per_s": round(seen.checks / seen.seconds, 1),
        "schedule_lag_p50_s": seen.lag_s(0.5),
        "schedule_lag_p99_s": seen.lag_s(0.99),
        "verdicts_down": len(verdict_lags),
        "verdicts_by_shard": by_shard,
        "verdict_lag_p50_s": _lag_s(verdict_lags, 0.5),
        "verdict_lag_p99_s": _lag_s(verdict_lags, 0.99),
        "verdict_written_p50_s": _lag_s(written_lags, 0.5),
        "verdict_written_p99_s": _lag_s(written_lags, 0.99),
    }


def _lag_s(lags: Sequence[float], part: float) -> float | None:
    lag = percentile(lags, part)
    return None if lag is None else round(lag, 4)


def _counts(report: Mapping[str, Any]) -> Counter[int]:
    return Counter({int(lag): int(count) for lag, count in report.get("lags", {}).items()})
