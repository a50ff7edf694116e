"""Incident responses API: acknowledge, snooze, unacknowledge, notes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.accounts.authors import VIA_HEADER, means_of
from vigil.alerts.oncall.responses import NOTE_LIMIT, Actor, ResponseKind, acknowledge, note, snooze, take_back
from vigil.api.base.errors import AlreadyResolved
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer, list_of
from vigil.clock import database_now
from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.models import Transition

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    _View = GenericViewSet[Any]
else:
    _View = object

MAX_MINUTES = 7 * 24 * 60
NOTES_SHOWN = 100


class AnswerSerializer(ApiSerializer[Any]):
    answer = serializers.ChoiceField(
        choices=[answer.value for answer in (ResponseKind.DONE, ResponseKind.ALREADY)],
        help_text="already: nothing was changed and no alert was sent.",
    )


class SnoozeSerializer(ApiSerializer[Any]):
    """Length or end of a snooze: one of the two."""

    minutes = serializers.IntegerField(min_value=1, max_value=MAX_MINUTES, required=False)
    until = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError({"until": ["Give either minutes or a time."]})
        return attrs


class NoteSerializer(ApiSerializer[Any]):
    text = serializers.CharField(max_length=NOTE_LIMIT)


class TransitionNoteSerializer(ApiModelSerializer[Transition]):
    """A note: when, who, and what."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Transition
        fields = ("id", "seq", "at", "actor", "text")


_OVER = OpenApiResponse(description="The incident is resolved.")
_ANSWERS = {200: AnswerSerializer, 409: _OVER}


class Responses(_View):
    """For a view set of incidents."""

    @extend_schema(request=None, responses=_ANSWERS)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def acknowledge(self, request: Request, public_id: str) -> Response:
        """Acknowledge: stop calls and reminders until the incident gets worse."""
        return _said(acknowledge(self.get_object().pk, _actor(request)))

    @extend_schema(request=SnoozeSerializer, responses=_ANSWERS)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def snooze(self, request: Request, public_id: str) -> Response:
        """Acknowledge for a while, at most a week. If it is still open then, it alerts again."""
        asked = SnoozeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        until = wanted.get("until") or database_now() + timedelta(minutes=wanted["minutes"])
        answer = snooze(self.get_object().pk, _actor(request), until)
        if answer is ResponseKind.REFUSED:
            raise serializers.ValidationError({"until": ["Must be from a minute to a week ahead."]})
        return _said(answer)

    @extend_schema(request=None, responses=_ANSWERS)
    @action(detail=True, methods=["post"], url_path="take-back", filterset_class=None, pagination_class=None)
    def take_back(self, request: Request, public_id: str) -> Response:
        """Remove the acknowledgement: it alerts again, and policies restart."""
        return _said(take_back(self.get_object().pk, _actor(request)))

    @extend_schema(responses=list_of(TransitionNoteSerializer))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def notes(self, request: Request, public_id: str) -> Response:
        """The newest hundred notes that people wrote, newest first."""
        rows = self.get_object().transitions.filter(step=Step.NOTE, reason=StepReason.BY_PERSON).order_by("-seq")
        return Response({"results": TransitionNoteSerializer(rows[:NOTES_SHOWN], many=True).data})

    @extend_schema(request=NoteSerializer, responses={200: AnswerSerializer})
    @notes.mapping.post
    def add_note(self, request: Request, public_id: str) -> Response:
        """Add a note to its timeline, also when it is resolved."""
        asked = NoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return _said(note(self.get_object().pk, _actor(request), asked.validated_data["text"]))


def _actor(request: Request) -> Actor:
    return Actor(request.user.get_username(), means_of(request.headers.get(VIA_HEADER), "API"))


def _said(answer: ResponseKind) -> Response:
    if answer is ResponseKind.OVER:
        raise AlreadyResolved
    return Response({"answer": answer.value})
