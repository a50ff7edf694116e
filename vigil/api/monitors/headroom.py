"""Rate-limit headroom of a monitor's key: remaining quota by region, from the provider's headers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from probes.wire import Result
from vigil.api.base.serializers import ApiSerializer
from vigil.monitors.latest import instant

_PREFIX = "ratelimit_"
_FIELDS = ("limit", "remaining", "reset_s")


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
    found: dict[str, dict[str, Any]] = {}
    for name, value in facts.items():
        counted, _, field = name.removeprefix(_PREFIX).rpartition("_")
        if field == "s":
            counted, field = counted.removesuffix("_reset"), "reset_s"
        # A region writes its facts itself, so types are checked.
        if name.startswith(_PREFIX) and field in _FIELDS and isinstance(value, (int, float)):
            found.setdefault(counted, {})[field] = value
    wait_s = facts.get("retry_after_s")
    return {
        "region": region,
        "at": instant(result.started_ms).isoformat() if result is not None else None,
        "retry_after_s": wait_s if isinstance(wait_s, (int, float)) else None,
        "allowances": [_allowance(counted, fields) for counted, fields in sorted(found.items())],
    }


def _allowance(counted: str, fields: dict[str, Any]) -> dict[str, Any]:
    limit, remaining = fields.get("limit"), fields.get("remaining")
    left = round(min(1.0, max(0.0, remaining / limit)), 4) if limit and remaining is not None else None
    return {"counted": counted, **{field: fields.get(field) for field in _FIELDS}, "left": left}
