"""Answer of the readiness of a chain: what would happen if the member that serves died now."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vigil.api.base.serializers import ApiSerializer
from vigil.api.openapi.enums import READINESS_REASONS


class ChainTargetSerializer(ApiSerializer[Any]):
    """A member of a chain: its state, what is left of its key, its latency and its error budget."""

    monitor = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField(allow_blank=True)
    rank = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["up", "degraded", "down", "unknown"])
    is_short = serializers.BooleanField(help_text="Whether its key has no headroom for the requests of others.")
    left = serializers.FloatField(allow_null=True, help_text="Remaining part of its tightest quota, from 0 to 1.")
    headroom = serializers.CharField(help_text="The trend of that quota in words; empty where none is told.")
    p50_ms = serializers.FloatField(allow_null=True, help_text="Median of the last answers of its regions.")
    budget_left = serializers.FloatField(allow_null=True, help_text="Of its objective, if it has one of its own.")


class ReadinessSerializer(ApiSerializer[Any]):
    reason = serializers.ChoiceField(choices=READINESS_REASONS)
    words = serializers.CharField()
    serving = serializers.CharField(allow_null=True, help_text="Id of the monitor that serves now.")
    next = serializers.CharField(allow_null=True, help_text="Id of the monitor that would serve then.")
    targets = ChainTargetSerializer(many=True)
