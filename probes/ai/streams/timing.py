"""Timing of a streamed answer: first token, gaps, the longest stall, and the speed. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from probes.ai.streams.reader import StreamReader

#: A stream that brings everything within this time (s), this much later than it was asked, was held back on its way.
_AT_ONCE_S, _LATE_S = 0.02, 0.2
#: Fewer token events do not show whether they were held back.
_EVENTS_LEAST = 3
#: Over a shorter time than this (s) a speed is no figure.
_SPEED_OVER_S = 0.05
_P95 = 0.95


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """Times since the request was sent (s), connecting not included; None where it did not come to that.

    `first_token_s` is the first event with text, reasoning or the arguments of a tool; `first_visible_s` the first that
    a user would see. `gap_p95_s` and `longest_stall_s` are between token events; the stall also counts the wait for the
    end. `buffered`: everything came at once, so a proxy holds the stream back.
    """

    headers_s: float | None
    first_byte_s: float | None
    first_token_s: float | None
    first_visible_s: float | None
    gap_p95_s: float | None
    longest_stall_s: float | None
    tokens_per_s: float | None
    total_s: float
    buffered: bool


def timing_of(reader: StreamReader, sent_s: float, headers_s: float | None, ended_s: float) -> StreamTiming:
    """The timing of a stream that was asked for at `sent_s` and was over, or given up, at `ended_s`."""
    times, answer = reader.answer.token_times_s, reader.answer
    gaps = [later - earlier for earlier, later in pairwise(times)]
    stalls = [*gaps, ended_s - times[-1]] if times else []
    return StreamTiming(
        headers_s=_since(headers_s, sent_s),
        first_byte_s=_since(reader.first_byte_s, sent_s),
        first_token_s=_since(times[0] if times else None, sent_s),
        first_visible_s=_since(answer.first_visible_s, sent_s),
        gap_p95_s=percentile(gaps, _P95),
        longest_stall_s=max(stalls, default=None),
        tokens_per_s=_speed(times, answer.usage.output),
        total_s=max(0.0, ended_s - sent_s),
        buffered=len(times) >= _EVENTS_LEAST and times[-1] - times[0] < _AT_ONCE_S and times[0] - sent_s > _LATE_S,
    )


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that this share of them does not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _since(at_s: float | None, sent_s: float) -> float | None:
    return None if at_s is None else max(0.0, at_s - sent_s)


def _speed(times: Sequence[float], tokens: int | None) -> float | None:
    """Tokens a second after the first one, by the provider's own count."""
    if tokens is None or tokens < 2 or len(times) < 2:
        return None
    took_s = times[-1] - times[0]
    return (tokens - 1) / took_s if took_s >= _SPEED_OVER_S else None
