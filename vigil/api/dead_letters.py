"""Dead letters over the API: what loops could not apply. For staff: they belong to the installation."""

from __future__ import annotations

import base64

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.filters import AnyOfFilter, ListFilters
from vigil.api.base.permissions import StaffOnly
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.views import ReadOnlyViewSet
from vigil.deadletters.actions import NotReplayable, discard, replay
from vigil.deadletters.models import DeadLetter
from vigil.deadletters.record import LetterSource


class DeadLetterSerializer(ApiModelSerializer[DeadLetter]):
    id = serializers.CharField(source="public_id", read_only=True)
    state = serializers.CharField(read_only=True, help_text="waiting, replayed, settled or discarded")

    class Meta:
        model = DeadLetter
        fields: tuple[str, ...] = (
            "id", "source", "step", "origin", "error", "stream", "entry", "size", "state", "count", "first_at",
            "last_at", "ended_at",
        )  # fmt: skip


class DeadLetterWithBytesSerializer(DeadLetterSerializer):
    payload = serializers.SerializerMethodField(help_text="The first bytes of the entry, in base 64.")
    on_replay = serializers.CharField(read_only=True, help_text="What a replay does, in words.")

    class Meta(DeadLetterSerializer.Meta):
        fields = (*DeadLetterSerializer.Meta.fields, "payload", "on_replay")

    def get_payload(self, letter: DeadLetter) -> str:
        return base64.b64encode(bytes(letter.payload)).decode()


class DeadLetterFilter(ListFilters):
    source = AnyOfFilter(among=[source.value for source in LetterSource])

    class Meta:
        model = DeadLetter
        fields = ("state",)


class DeadLetterViewSet(ReadOnlyViewSet):
    """Entries, rows and steps that failed alone twice, newest first. `?state=waiting` lists what needs a person.

    Messages that a channel refused for good are deliveries: see `/deliveries?state=dead`.
    """

    permission_classes = [StaffOnly]
    filterset_class = DeadLetterFilter
    lookup_field = "public_id"
    lookup_value_regex = r"dlt_[0-9a-z]{1,20}"
    queryset = DeadLetter.objects.all()

    def get_queryset(self) -> QuerySet[DeadLetter]:
        found = DeadLetter.objects.all()
        return found.defer("payload") if self.action == "list" else found

    def get_serializer_class(self) -> type[DeadLetterSerializer]:
        return DeadLetterWithBytesSerializer if self.action == "retrieve" else DeadLetterSerializer

    @extend_schema(request=None, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, public_id: str) -> Response:
        """Give the entry back to its stream, after whatever made it fail is mended.

        A letter whose bytes are of no use any more is closed only: `on_replay` says which, and why.
        """
        letter = self.get_object()
        try:
            replay(letter)
        except NotReplayable as refused:
            raise ValidationError({"state": [f"It cannot be replayed: {refused}."]}) from None
        return self._answer(letter)

    @extend_schema(request=None, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, public_id: str) -> Response:
        """Close the letter without a replay."""
        letter = self.get_object()
        discard(DeadLetter.objects.filter(pk=letter.pk))
        return self._answer(letter)

    def _answer(self, letter: DeadLetter) -> Response:
        letter.refresh_from_db()
        return Response(self.get_serializer(letter).data)
