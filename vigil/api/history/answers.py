"""Answers of the history API as serializers, for the OpenAPI document; the views write them without, for speed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from probes.reasons import Status
from vigil.api.base.serializers import ApiSerializer
from vigil.api.openapi.enums import REASONS
from vigil.api.openapi.shapes import FACTS
from vigil.history.core.burn_rate import BurnPace
from vigil.history.models.stored import GapReason

_STATUSES = [status.value for status in Status]


@extend_schema_field(FACTS)
class FactsField(serializers.DictField):
    """Other facts of a check: address, certificate, rate limits, queue, ..."""


class _WithStart(ApiSerializer[Any]):
    """Has the field `from`, which is a keyword in Python."""

    def get_fields(self) -> dict[str, Any]:
        return {"from": self.start(), **super().get_fields()}

    def start(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.DateTimeField()


class StateRowSerializer(ApiSerializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    paused = serializers.BooleanField()
    status = serializers.ChoiceField(choices=["up", "degraded", "down", "unknown"])
    account = serializers.BooleanField(allow_null=True, help_text="Whether the provider refuses the key or the quota.")
    since = serializers.DateTimeField(allow_null=True)
    blind = serializers.BooleanField(allow_null=True, help_text="Whether too few regions can see it.")
    flapping = serializers.BooleanField(allow_null=True)


class _Page(ApiSerializer[Any]):
    next = serializers.CharField(allow_null=True, help_text="The address of the next page.")
    previous = serializers.CharField(allow_null=True)


class StatesSerializer(_Page):
    states = StateRowSerializer(many=True)


class _Uptime(ApiSerializer[Any]):
    uptime = serializers.FloatField(allow_null=True, help_text="From 0 to 1; null where no time counts.")
    up_s = serializers.IntegerField(help_text="The four parts add up to the window.")
    down_s = serializers.IntegerField()
    excluded_s = serializers.IntegerField()
    maintenance_s = serializers.IntegerField()
    degraded_s = serializers.IntegerField(help_text="Of `up_s`.")


class DaySerializer(_Uptime):
    date = serializers.DateField()


class MonitorUptimeSerializer(_Uptime, _WithStart):
    """Uptime of one monitor, in total and by day."""

    to = serializers.DateTimeField()
    tz = serializers.CharField(help_text="Time zone of the days.")
    days = DaySerializer(many=True)


class NamedUptimeSerializer(_Uptime):
    id = serializers.CharField()
    name = serializers.CharField()


class UptimeSerializer(_Page, _Uptime, _WithStart):
    """Uptime of the monitors of a page together and of each."""

    to = serializers.DateTimeField()
    tz = serializers.CharField()
    monitors = NamedUptimeSerializer(many=True)


class _Measures(ApiSerializer[Any]):
    p50 = serializers.FloatField(allow_null=True, help_text="Milliseconds; null where no check was answered.")
    p90 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    up = serializers.IntegerField(help_text="Number of checks.")
    degraded = serializers.IntegerField()
    down = serializers.IntegerField()
    unknown = serializers.IntegerField()


class LatencyStepSerializer(_Measures):
    at = serializers.DateTimeField()


class GapSerializer(_WithStart):
    """Time of which results of a region are missing."""

    region = serializers.CharField()
    reason = serializers.ChoiceField(choices=GapReason.choices)
    to = serializers.DateTimeField()
    results = serializers.IntegerField(allow_null=True, help_text="How many are missing, if that is known.")


class _Chart(_WithStart):
    to = serializers.DateTimeField()
    step_s = serializers.IntegerField()
    error = serializers.FloatField(help_text="Largest relative error of a time.")


class LatencySerializer(_Chart):
    """Latency by region; the names in `regions` are slugs."""

    regions = serializers.DictField(child=LatencyStepSerializer(many=True))
    gaps = GapSerializer(many=True)


class PercentileStepSerializer(_Measures, _WithStart):
    def start(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.CharField(help_text="A date; with `by=all` a date and time.")


class PercentilesSerializer(_WithStart):
    """Percentiles of the regions together."""

    to = serializers.DateTimeField()
    tz = serializers.CharField(help_text="Time zone of the steps.")
    by = serializers.ChoiceField(choices=["day", "week", "month", "all"])
    error = serializers.FloatField(help_text="Largest relative error of a time.")
    steps = PercentileStepSerializer(many=True)


class CheckSerializer(ApiSerializer[Any]):
    at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=_STATUSES)
    reason = serializers.ChoiceField(choices=REASONS)
    total_ms = serializers.FloatField()
    first_byte_ms = serializers.FloatField()
    look = serializers.IntegerField(help_text="0 for a scheduled check, else the look of its round.")


class FailureSerializer(ApiSerializer[Any]):
    at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=_STATUSES)
    reason = serializers.ChoiceField(choices=REASONS)
    code = serializers.IntegerField(help_text="Code of the protocol, or 0.")
    detail = serializers.CharField(allow_blank=True)
    attempts = serializers.IntegerField()
    facts = FactsField()


class ChecksSerializer(_Chart):
    """Checks and failures by region; the names in `regions` and `failures` are slugs."""

    regions = serializers.DictField(child=CheckSerializer(many=True))
    failures = serializers.DictField(child=FailureSerializer(many=True))


class BudgetSerializer(_Uptime):
    """Error budget of an objective over its window."""

    allowed_s = serializers.IntegerField()
    spent_s = serializers.IntegerField()
    left = serializers.FloatField(help_text="Part of the budget that is left; below 0 when it is overspent.")
    burn_rates = serializers.DictField(
        child=serializers.FloatField(), help_text="By the length of each window, such as `3600s`; 1 spends it exactly."
    )
    pace = serializers.ChoiceField(choices=[pace.value for pace in BurnPace], allow_null=True)
    words = serializers.CharField()
