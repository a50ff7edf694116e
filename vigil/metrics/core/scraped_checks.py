"""Counts of the checks that scrapes have seen, each once, as Grafana Synthetic Monitoring's `probe_all_*` tell them.

They are kept in Redis, so that several web processes behind one address tell the same, and none begins anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

import msgspec

from probes.wire import Result
from vigil.metrics.core.blackbox import passed
from vigil.metrics.core.text import label

#: Bounds of the histogram of durations (s): those of Synthetic Monitoring's agent, without the three shortest.
BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EMPTY = (0,) * (len(BOUNDS_S) + 1)
_LES = tuple(f",{label('le', le)}" for le in (*map("{:g}".format, BOUNDS_S), "+Inf"))


class ScrapedChecks(msgspec.Struct, frozen=True, array_like=True):
    """Checks of one monitor in one region: the newest start, how many passed, and how long they took.

    `counts` are of each step of the histogram alone.
    """

    started_ms: int = 0
    passed: int = 0
    seconds: float = 0.0
    counts: tuple[int, ...] = _EMPTY

    def with_result(self, result: Result) -> ScrapedChecks:
        """The counts with a result, unless it was seen before or says nothing."""
        success = passed(result.status)
        if result.started_ms <= self.started_ms or success is None:
            return self
        took_s, step = result.phases.total_us / 1e6, bisect_left(BOUNDS_S, result.phases.total_us / 1e6)
        counts = (*self.counts[:step], self.counts[step] + 1, *self.counts[step + 1 :])
        return ScrapedChecks(result.started_ms, self.passed + success, self.seconds + took_s, counts)

    def samples(self) -> Iterator[tuple[str, str, float]]:
        """Name with its suffix, further labels with a comma in front, and value of each sample."""
        total = sum(self.counts)
        yield "probe_all_success_sum", "", self.passed
        yield "probe_all_success_count", "", total
        for le, count in zip(_LES, accumulate(self.counts), strict=True):
            yield "probe_all_duration_seconds_bucket", le, count
        yield "probe_all_duration_seconds_sum", "", self.seconds
        yield "probe_all_duration_seconds_count", "", total


Scraped = Mapping[str, ScrapedChecks]
"""What scrapes have seen of one monitor, by region."""

_decoder = msgspec.msgpack.Decoder(dict[str, ScrapedChecks])


def encode_scraped(scraped: Scraped) -> bytes:
    return msgspec.msgpack.encode(scraped)


def decode_scraped(body: bytes | None) -> dict[str, ScrapedChecks]:
    """What was kept; nothing where it is of another release."""
    try:
        found = _decoder.decode(body) if body else {}
    except msgspec.DecodeError:
        return {}
    return {region: one for region, one in found.items() if len(one.counts) == len(_EMPTY)}
