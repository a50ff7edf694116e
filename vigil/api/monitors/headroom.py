"""Rate-limit headroom of a monitor's key: remaining quota by region, from the provider's headers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from probes.wire import Result
from vigil.api.base.serializers import ApiSerializer
from vigil.monitors.core.result_facts import allowances, as_number
from vigil.monitors.live.results import instant


class AllowanceSerializer(ApiSerializer[Any]):
    """One quota of the provider: requests, tokens, input_tokens or output_tokens."""

    counted = serializers.CharField()
    limit = serializers.IntegerField(allow_null=True)
    remaining = serializers.IntegerField(allow_null=True)
    reset_s = serializers.FloatField(allow_null=True, help_text="Seconds until the quota resets, as of the check.")
    left = serializers.FloatField(allow_null=True, help_text="Remaining part, from 0 to 1.")


class RegionHeadroomSerializer(ApiSerializer[Any]):
    region = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    retry_after_s = serializers.FloatField(allow_null=True, help_text="Retry-After of the provider, in seconds.")
    allowances = AllowanceSerializer(many=True)


class HeadroomSerializer(ApiSerializer[Any]):
    available = serializers.BooleanField()
    regions = RegionHeadroomSerializer(many=True)


def headroom_row(region: str, result: Result | None) -> dict[str, Any]:
    """One region's headroom as `RegionHeadroomSerializer` describes it; empty if the provider sent none."""
    facts = result.facts if result is not None else {}
    return {
        "region": region,
        "at": instant(result.started_ms) if result is not None else None,
        "retry_after_s": as_number(facts.get("retry_after_s")),
        "allowances": [
            {
                "counted": one.counted,
                "limit": one.limit,
                "remaining": one.remaining,
                "reset_s": one.reset_s,
                "left": one.left,
            }
            for one in allowances(facts)
        ],
    }
