"""Health of the installation over the API: what `manage.py doctor` says, for staff."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.permissions import StaffOnly
from vigil.api.base.serializers import ApiSerializer
from vigil.api.base.views import ApiView
from vigil.doctor.examination import worst
from vigil.doctor.findings import Level
from vigil.doctor.installation import examine_installation

LEVELS = [(level.value, level.value) for level in Level]


class FindingSerializer(ApiSerializer[Any]):
    """One finding in one line, and the remedy."""

    check = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    text = serializers.CharField()
    advice = serializers.CharField()


class HealthSerializer(ApiSerializer[Any]):
    """Every finding; `worst` is the level of the worst."""

    worst = serializers.ChoiceField(choices=LEVELS)
    findings = FindingSerializer(many=True)


class HealthView(ApiView):
    """What is wrong with this installation."""

    permission_classes = [StaffOnly]

    @extend_schema(responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        """Processes, regions, channels, history and disk, as the command line reports them. It changes nothing."""
        found = examine_installation()
        rows = [
            {
                "check": one.check,
                "level": one.finding.level.value,
                "text": one.finding.text,
                "advice": one.finding.advice,
            }
            for one in found
        ]
        return Response({"worst": worst(found).value, "findings": rows})
