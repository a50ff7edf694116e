"""Stored form of quotas: JSON for the database and the API, and back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vigil.access.core.headroom import in_minutes
from vigil.access.core.pooled import QuotaTrend
from vigil.access.core.trend import Trend, TrendReason


def quota_rows(quotas: Sequence[QuotaTrend]) -> list[dict[str, Any]]:
    """One row a quota, as `KeyHeadroom.quotas` holds them; minutes with one digit."""
    return [
        {
            "counted": one.counted,
            "limit": one.limit,
            "remaining": one.remaining,
            "reset_s": one.reset_s,
            "left": None if one.left is None else round(one.left, 4),
            **_trend_row(one.trend),
            "words": in_minutes(one.trend),
            "agreeing": one.agreeing,
            "regions": {region: _trend_row(trend) for region, trend in one.regions.items()},
        }
        for one in quotas
    ]


def quotas_of(rows: Sequence[Any]) -> list[QuotaTrend]:
    """The quotas of stored rows."""
    return [
        QuotaTrend(
            row["counted"],
            _trend(row),
            row["left"],
            row["remaining"],
            row["limit"],
            row["reset_s"],
            {region: _trend(one) for region, one in row["regions"].items()},
        )
        for row in rows
    ]


def _trend_row(trend: Trend) -> dict[str, Any]:
    numbers = {"minutes": trend.minutes, "low": trend.low, "high": trend.high}
    rounded = {name: None if number is None else round(number, 1) for name, number in numbers.items()}
    return {"reason": trend.reason.value, **rounded}


def _trend(row: dict[str, Any]) -> Trend:
    return Trend(TrendReason(row["reason"]), row["minutes"], row["low"], row["high"])
