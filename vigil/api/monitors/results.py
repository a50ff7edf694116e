"""Conversions for the API: a result, a vote and a time."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from probes.wire import Phases, Result
from vigil.api.base.serializers import ApiSerializer
from vigil.monitors.live.results import instant


class ResultSerializer(ApiSerializer[Any]):
    """A region's last result; `status` is null if there is none. Durations are milliseconds."""

    region = serializers.CharField()
    status = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    code = serializers.IntegerField()
    phases_ms = serializers.DictField(child=serializers.FloatField())
    facts = serializers.DictField(help_text="Other facts: address, certificate, rate limits, queue, ...")


class LatestSerializer(ApiSerializer[Any]):
    available = serializers.BooleanField()
    results = ResultSerializer(many=True)


def result_row(region: str, result: Result | None) -> dict[str, Any]:
    """One region's latest result as `ResultSerializer` describes it."""
    if result is None:
        return {
            "region": region, "status": None, "reason": None, "at": None, "detail": "", "code": 0, "phases_ms": {},
            "facts": {},
        }  # fmt: skip
    return {
        "region": region,
        "status": result.status.value,
        "reason": result.reason.value,
        "at": instant(result.started_ms),
        "detail": result.detail,
        "code": result.code,
        "phases_ms": phases_ms(result.phases),
        "facts": result.facts,
    }


def phases_ms(phases: Phases) -> dict[str, float]:
    """The phases of a check in milliseconds, by name."""
    return {
        "dns": phases.dns_us / 1000,
        "connect": phases.connect_us / 1000,
        "tls": phases.tls_us / 1000,
        "first_byte": phases.first_byte_us / 1000,
        "total": phases.total_us / 1000,
    }
