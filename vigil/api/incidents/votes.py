"""Votes of a step as the incidents API shows them: each region in each look, and whether it counted."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from consensus.review.evidence import from_evidence, is_verdict
from consensus.review.vote_table import as_json, vote_rows
from consensus.vocabulary import Observed
from vigil.api.base.serializers import ApiSerializer


class PhasesSerializer(ApiSerializer[Any]):
    """Parts of a check, in microseconds; 0 where a part was not reached."""

    dns_us = serializers.IntegerField()
    connect_us = serializers.IntegerField()
    tls_us = serializers.IntegerField()
    first_byte_us = serializers.IntegerField()
    total_us = serializers.IntegerField()


class VoteSerializer(ApiSerializer[Any]):
    """One region in one look. `why_not` is empty where it counted."""

    region = serializers.CharField()
    domain = serializers.CharField()
    look = serializers.IntegerField()
    status = serializers.CharField(allow_blank=True, help_text="Empty where the region gave no vote.")
    reason = serializers.CharField(allow_blank=True)
    counted_as = serializers.ChoiceField(choices=[one.value for one in Observed], allow_null=True)
    why_not = serializers.CharField(allow_blank=True)
    age_ms = serializers.IntegerField(help_text="Age at the decision.")
    phases = PhasesSerializer()
    usual_us = serializers.IntegerField(help_text="What this monitor usually takes from there; 0 if unknown.")
    attempts = serializers.IntegerField()
    code = serializers.IntegerField()
    detail = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_blank=True)
    counted = serializers.BooleanField()
    why = serializers.CharField(help_text="What it counted for, or why it did not, in words.")


@extend_schema_field(VoteSerializer(many=True))
class BallotField(serializers.Field[Any, Any, list[dict[str, Any]], Any]):
    """Votes as a table: each region's result in each look, phases and age, and whether it counted or why not."""

    def to_representation(self, value: Any) -> list[dict[str, Any]]:
        return [as_json(line) for line in vote_rows(from_evidence(value))] if is_verdict(value) else []
