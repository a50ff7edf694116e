"""Points of quotas from the facts of results, admitted with bounds, and their packed form. Pure.

A region writes its facts itself, so names, numbers and times are bounded here, and the rest is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from probes.wire import Result
from vigil.access.core.trend import POINTS_MOST, QuotaPoint
from vigil.monitors.core.result_facts import allowances

#: Quotas of a monitor, and regions, that are kept.
QUOTAS_MOST, REGIONS_MOST = 6, 50
NUMBER_MOST, RESET_MOST_S = 1e15, 400 * 86_400.0
#: Points are kept for so long, and a result is not further from now than this (s).
KEPT_S, SKEW_S = 7_200.0, 600.0
PACKED_BYTES_MOST = 1_000_000
_NAME = re.compile(r"[a-z][a-z_]{0,39}\Z")

#: By quota and region; of each the newest last.
Points = dict[str, dict[str, list[QuotaPoint]]]

_Packed = dict[str, dict[str, list[tuple[float, float, float | None, float | None]]]]
_decoder = msgspec.msgpack.Decoder(_Packed)
_encoder = msgspec.msgpack.Encoder()


def points_of(result: Result, now_s: float) -> dict[str, QuotaPoint]:
    """The quotas that a result tells of, by name; a limit of nothing is none that anybody knows."""
    at_s = result.started_ms / 1000
    if not now_s - KEPT_S <= at_s <= now_s + SKEW_S:
        return {}
    found: dict[str, QuotaPoint] = {}
    for one in allowances(result.facts)[:QUOTAS_MOST]:
        known = _NAME.match(one.counted) and _is_amount(one.remaining) and one.limit != 0
        if not known or one.remaining is None:
            continue
        limit = one.limit if _is_amount(one.limit) else None
        if limit is None and one.remaining == 0:
            # Without a limit, nothing left may as well mean that none is known.
            continue
        reset_s = one.reset_s if one.reset_s is not None and 0 <= one.reset_s <= RESET_MOST_S else None
        found[one.counted] = QuotaPoint(min(at_s, now_s), one.remaining, limit, reset_s)
    return found


def added(points: Points, seen: Mapping[str, Result], now_s: float) -> tuple[Points, bool]:
    """The points with those of new results by region, without what is too old; and whether there were new ones."""
    kept = {
        counted: {region: [one for one in many if now_s - one.at_s <= KEPT_S] for region, many in regions.items()}
        for counted, regions in points.items()
    }
    grown = False
    for region, result in sorted(seen.items())[:REGIONS_MOST]:
        for counted, point in points_of(result, now_s).items():
            many = kept.setdefault(counted, {}).setdefault(region, [])
            if not many or point.at_s > many[-1].at_s:
                many.append(point)
                del many[:-POINTS_MOST]
                grown = True
    full = {counted: {region: many for region, many in regions.items() if many} for counted, regions in kept.items()}
    # Those that most regions tell of: what one of them makes up takes nothing's place.
    most = sorted(full, key=lambda counted: (-len(full[counted]), counted))[:QUOTAS_MOST]
    return {counted: full[counted] for counted in sorted(most) if full[counted]}, grown


def packed(points: Points) -> bytes:
    """The points as MessagePack."""
    return _encoder.encode(
        {
            counted: {region: [_tuple(one) for one in many] for region, many in regions.items()}
            for counted, regions in points.items()
        }
    )


def unpacked(payload: bytes) -> Points:
    """Points that were packed; none of what is not readable, since they come again."""
    if len(payload) > PACKED_BYTES_MOST:
        return {}
    try:
        read = _decoder.decode(payload)
    except (msgspec.DecodeError, ValueError):
        return {}
    return {
        counted: {region: [QuotaPoint(*one) for one in many] for region, many in regions.items()}
        for counted, regions in read.items()
    }


def _tuple(point: QuotaPoint) -> tuple[float, float, float | None, float | None]:
    return point.at_s, point.remaining, point.limit, point.reset_s


def _is_amount(number: float | None) -> bool:
    return number is not None and 0 <= number <= NUMBER_MOST
