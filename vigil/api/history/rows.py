"""Rows of history as JSON objects: uptime, percentiles and single checks."""

from __future__ import annotations

from typing import Any

from vigil.history.core.rollups import Rollup
from vigil.history.core.uptime import Uptime
from vigil.history.reading.read import StoredCheck
from vigil.monitors.live.results import instant

PARTS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def uptime_row(uptime: Uptime) -> dict[str, Any]:
    """Seconds of each kind, which sum to the window; `uptime` is null when no time counts."""
    return {
        "uptime": None if uptime.ratio is None else round(uptime.ratio, 7),
        "up_s": uptime.up_s,
        "down_s": uptime.down_s,
        "excluded_s": uptime.excluded_s,
        "maintenance_s": uptime.maintenance_s,
        "degraded_s": uptime.degraded_s,
    }


def measures(rolled: Rollup) -> dict[str, Any]:
    """Percentiles (ms), and counts of checks by status."""
    found = dict(zip(PARTS, rolled.percentiles_ms(PARTS.values()), strict=True))
    up, degraded, down, unknown = rolled.counts
    return {**found, "up": up, "degraded": degraded, "down": down, "unknown": unknown}


def rollup_row(at_ms: int, rolled: Rollup) -> dict[str, Any]:
    return {"at": instant(at_ms), **measures(rolled)}


def check_row(check: StoredCheck) -> dict[str, Any]:
    return {
        "at": instant(check.at_ms),
        "status": check.status.value,
        "reason": check.reason.value,
        "total_ms": round(check.total_us / 1000, 3),
        "first_byte_ms": round(check.first_byte_us / 1000, 3),
        "look": check.look,
    }


def failure_row(result: Any) -> dict[str, Any]:
    return {
        "at": instant(result.at_ms),
        "status": result.status.value,
        "reason": result.reason.value,
        "code": result.code,
        "detail": result.detail,
        "attempts": result.attempts,
        "facts": result.facts,
    }
