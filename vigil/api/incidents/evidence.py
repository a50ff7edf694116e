"""Incident evidence API: the last verdict with every vote, and its steps decided again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from consensus.review.replay import Replayed
from consensus.review.vote_table import as_json, vote_rows
from consensus.vocabulary import Exclusion, Sensitivity
from vigil.alerts.delivery.alert_rows import evidence_of
from vigil.alerts.wording.text import exclusion_in_words, vote_line
from vigil.api.base.parameters import REGIONS_LENGTH, number_parameter, text_parameter
from vigil.api.base.serializers import ApiSerializer
from vigil.api.incidents.votes import VoteSerializer
from vigil.incidents.core.replayed_steps import ReplayedStep, Supposition, UnknownRegions, step_as_json
from vigil.incidents.models import Incident
from vigil.incidents.timeline import replayed_steps
from vigil.problems.codes import FieldCode

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    _View = GenericViewSet[Any]
else:
    _View = object

#: Steps of one answer: the last ones.
STEPS_MOST = 50
STEP_MOST = 999_999_999


class VerdictVotesSerializer(ApiSerializer[Any]):
    """What the last verdict of an incident rests on."""

    step = serializers.IntegerField()
    at = serializers.DateTimeField()
    status = serializers.CharField()
    reason = serializers.CharField()
    explanation = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField(), help_text="As an alert shows them, a line a region.")
    votes = VoteSerializer(many=True)


class LostVoteSerializer(ApiSerializer[Any]):
    """A region without a vote, and why; look 0 for every look."""

    region = serializers.CharField()
    why = serializers.ChoiceField(choices=[(one.value, one.name) for one in Exclusion])
    look = serializers.IntegerField()


class ReplayedDecisionSerializer(ApiSerializer[Any]):
    """A decision; the fields behind `note` are there where one was reached."""

    decided = serializers.BooleanField()
    text = serializers.CharField()
    note = serializers.CharField()
    status = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
    failure = serializers.CharField(required=False)
    n = serializers.IntegerField(required=False)
    m = serializers.IntegerField(required=False)
    k = serializers.IntegerField(required=False)
    domains = serializers.IntegerField(required=False)
    dissent = serializers.ListField(child=serializers.CharField(), required=False)
    excluded = LostVoteSerializer(many=True, required=False)


class ReplayedStepSerializer(ApiSerializer[Any]):
    """One step; `same` says whether its votes give the stored decision again."""

    seq = serializers.IntegerField()
    step = serializers.CharField()
    reason = serializers.CharField()
    same = serializers.BooleanField()
    stored = serializers.DictField(child=serializers.CharField())
    replayed = ReplayedDecisionSerializer()
    supposed = ReplayedDecisionSerializer(allow_null=True)
    votes = VoteSerializer(many=True)


class ReplaySerializer(ApiSerializer[Any]):
    """The steps of an incident, decided again."""

    incident = serializers.CharField()
    title = serializers.CharField()
    same = serializers.BooleanField(help_text="Whether every step is decided as it was stored.")
    steps = ReplayedStepSerializer(many=True)


class EvidenceActions(_View):
    """For a view set of incidents."""

    @extend_schema(responses=VerdictVotesSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def evidence(self, request: Request, public_id: str) -> Response:
        """The votes of its last verdict, in words and in full; 404 where none is stored, as for a heartbeat."""
        found = replayed_steps(self.get_object(), most=1)
        if not found:
            raise NotFound("No verdict of this incident is stored.")
        return Response(_votes_row(found[0], self.get_object()))

    @extend_schema(
        parameters=[
            number_parameter("step", 0, STEP_MOST, "One step only, by its `seq`."),
            OpenApiParameter("sensitivity", enum=[level.value for level in Sensitivity], description="Under this one."),
            text_parameter("regions", REGIONS_LENGTH, "With these regions only: a,b,c."),
            text_parameter("without", REGIONS_LENGTH, "Without these regions: a,b."),
        ],
        responses=ReplaySerializer,
    )
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def replay(self, request: Request, public_id: str) -> Response:
        """Its last 50 steps decided again from their stored votes, and as supposed. It changes nothing."""
        incident: Incident = self.get_object()
        supposition = _supposition(request)
        step = _step(request)
        steps = replayed_steps(incident, step, STEPS_MOST)
        if step is not None and not steps:
            raise ValidationError({"step": [f"No votes of a step {step} are stored."]}, FieldCode.NO_SUCH_ROW.value)
        rows = [step_as_json(taken, _supposed(supposition, taken)) for taken in steps]
        shown = {"incident": incident.public_id, "title": incident.title, "same": all(taken.same for taken in steps)}
        return Response({**shown, "steps": rows})


def _votes_row(taken: ReplayedStep, incident: Incident) -> dict[str, Any]:
    verdict = taken.verdict
    stored = evidence_of(incident.transitions.get(seq=taken.seq).evidence)
    excluded = [f"{lost.region} ({lost.domain}): {exclusion_in_words(lost.why)}" for lost in stored.excluded]
    return {
        "step": taken.seq,
        "at": taken.at,
        "status": verdict.status,
        "reason": verdict.reason,
        "explanation": verdict.explanation,
        "lines": [vote_line(vote) for vote in stored.votes] + excluded,
        "votes": [as_json(line) for line in vote_rows(verdict)],
    }


def _supposed(supposition: Supposition, taken: ReplayedStep) -> Replayed | None:
    try:
        return supposition.judge(taken.verdict) if supposition else None
    except UnknownRegions as problem:
        raise ValidationError({"regions": [f"There is {problem}."]}) from None


def _supposition(request: Request) -> Supposition:
    query = request.query_params
    level = query.get("sensitivity", "")
    if level and level not in set(Sensitivity):
        raise ValidationError({"sensitivity": [f"One of {', '.join(Sensitivity)}."]})
    only, without = _names(query.get("regions", "")), _names(query.get("without", ""))
    if only and without:
        raise ValidationError({"without": ["Give either regions or without."]})
    return Supposition(Sensitivity(level) if level else None, only, without)


def _step(request: Request) -> int | None:
    text = request.query_params.get("step", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValidationError({"step": ["The `seq` of a step: a whole number."]})
    return int(text) if text else None


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text[:REGIONS_LENGTH].split(",") if name.strip())
