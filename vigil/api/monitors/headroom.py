"""Rate-limit headroom of a monitor's key: remaining quota by region, from the provider's headers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from probes.wire import Result
from vigil.access.models import KeyHeadroom
from vigil.api.base.serializers import ApiSerializer
from vigil.api.openapi.enums import TREND_REASONS
from vigil.monitors.core.result_facts import allowances, as_number
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor


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


class RegionTrendSerializer(ApiSerializer[Any]):
    region = serializers.CharField()
    reason = serializers.ChoiceField(choices=TREND_REASONS)
    minutes = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class QuotaTrendSerializer(ApiSerializer[Any]):
    """Trend of one quota of the key, over all regions: minutes until it is used up at the present slope."""

    counted = serializers.CharField()
    limit = serializers.FloatField(allow_null=True)
    remaining = serializers.FloatField(allow_null=True)
    reset_s = serializers.FloatField(allow_null=True)
    left = serializers.FloatField(allow_null=True, help_text="Remaining part, from 0 to 1.")
    reason = serializers.ChoiceField(choices=TREND_REASONS, help_text="falling: a time is said; else why none is.")
    minutes = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Lower bound of the interval of 95 %, in minutes.")
    high = serializers.FloatField(allow_null=True)
    words = serializers.CharField()
    agreeing = serializers.IntegerField(help_text="Regions that foretell it.")
    regions = RegionTrendSerializer(many=True)


class HeadroomSerializer(ApiSerializer[Any]):
    available = serializers.BooleanField()
    regions = RegionHeadroomSerializer(many=True)
    warning_minutes = serializers.IntegerField(allow_null=True, help_text="`headroom_warning_minutes` of the monitor.")
    is_warned = serializers.BooleanField(help_text="Whether the warning is on.")
    is_short = serializers.BooleanField(help_text="Whether the key has no headroom for the requests of others.")
    trends = QuotaTrendSerializer(many=True)


def trend_rows(monitor: Monitor) -> dict[str, Any]:
    """Trends of a monitor's key, as `HeadroomSerializer` describes them; none before any region told of a quota."""
    row = KeyHeadroom.objects.filter(monitor=monitor).first()
    quotas = row.quotas if row is not None else []
    return {
        "warning_minutes": monitor.headroom_warning_minutes,
        "is_warned": row is not None and row.warned,
        "is_short": row is not None and row.short,
        "trends": [
            {**quota, "regions": [{"region": name, **trend} for name, trend in quota["regions"].items()]}
            for quota in quotas
        ],
    }


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
