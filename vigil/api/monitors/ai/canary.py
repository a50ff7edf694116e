"""Canary of a monitor: what it has spent, why it has stopped, and its last answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from probes.ai.prices import NANOS
from vigil.api.base.serializers import ApiSerializer
from vigil.canaries.core.window import CanaryAnswer
from vigil.canaries.reading import canary_report
from vigil.clock import database_now
from vigil.monitors.live.results import instant

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object


class CanaryAnswerSerializer(ApiSerializer[Any]):
    """One answer, by the region that asked."""

    at = serializers.DateTimeField()
    region = serializers.CharField()
    bad = serializers.BooleanField()
    reason = serializers.CharField()
    fault = serializers.CharField(allow_blank=True, help_text="What was wrong with it: cut, stalled, refused, ...")
    detail = serializers.CharField(allow_blank=True)
    counts = serializers.BooleanField(help_text="Whether it is one of the last that decide the status.")


class CanarySerializer(ApiSerializer[Any]):
    """A canary. Amounts are US dollars of the present month (UTC)."""

    month = serializers.CharField(help_text="As in 2026-11.")
    spent = serializers.FloatField()
    reserved = serializers.FloatField(help_text="For answers that were asked for and are not counted yet.")
    monthly_budget = serializers.FloatField()
    stopped = serializers.CharField(allow_blank=True, help_text="Why it asks nothing more; empty while it does.")
    standing = serializers.CharField(help_text="good, bad, account, stopped or undecided.")
    bad_answers = serializers.IntegerField(help_text="Bad ones of the answers that count.")
    bad_answers_degrade = serializers.IntegerField()
    of_answers = serializers.IntegerField()
    answers = CanaryAnswerSerializer(many=True, help_text="The last ones, newest first.")


class CanaryActions(_ViewSet):
    """For a view set of monitors."""

    @extend_schema(responses=CanarySerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def canary(self, request: Request, public_id: str) -> Response:
        """What a canary has spent this month, and its last answers; 404 for any other monitor."""
        report = canary_report(self.get_object(), database_now())
        if report is None:
            raise NotFound("This monitor is no canary.")
        counted = {one.slot_ms for one in report.window}
        return Response(
            {
                "month": report.month,
                "spent": report.spent / NANOS,
                "reserved": report.reserved / NANOS,
                "monthly_budget": report.budget / NANOS,
                "stopped": report.stopped,
                "standing": report.standing.value,
                "bad_answers": report.bad,
                "bad_answers_degrade": report.rule.bad_answers,
                "of_answers": report.rule.of_answers,
                "answers": [_row(one, one.slot_ms in counted) for one in reversed(report.answers)],
            }
        )


def _row(answer: CanaryAnswer, counts: bool) -> dict[str, Any]:
    return {
        "at": instant(answer.slot_ms),
        "region": answer.region,
        "bad": answer.bad,
        "reason": answer.reason.value,
        "fault": answer.fault,
        "detail": answer.detail,
        "counts": counts,
    }
