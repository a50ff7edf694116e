"""Updates of public incidents in the API: what they have, and the operations on them below their incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.authentication import signed_name
from vigil.api.base.serializers import ApiModelSerializer, MomentField
from vigil.api.base.teams import TeamViewSet
from vigil.status.incident_models import EarlierText
from vigil.status.models import PublicIncident, PublicUpdate
from vigil.status.public_incidents.updates import add_update, change_update, delete_update, lock_page_of
from vigil.status.subscribers.resending import resend_letters

UPDATE_PATH = r"updates/(?P<update>upd_[0-9a-z]{1,20})"


class EarlierTextSerializer(ApiModelSerializer[EarlierText]):
    """What an update said before an edit. Readers never see it."""

    until = MomentField(source="replaced_at", read_only=True)
    edited_by = serializers.CharField(source="replaced_by", read_only=True)

    class Meta:
        model = EarlierText
        fields = ("text", "until", "edited_by")
        read_only_fields = ("text",)


class PublicUpdateSerializer(ApiModelSerializer[PublicUpdate]):
    """One thing said about a public incident; everyone who may read the page can read it from `at` on."""

    id = serializers.CharField(source="public_id", read_only=True)
    at = MomentField(
        source="published_at",
        read_only=True,
        allow_null=True,
        help_text="When readers could see it.",
    )
    is_draft = serializers.BooleanField(required=False, help_text="Whether it waits for a person.")
    publish_at = MomentField(required=False, allow_null=True, help_text="When it is to be published by itself.")
    earlier = EarlierTextSerializer(many=True, read_only=True, help_text="What it said before edits, the oldest first.")

    class Meta:
        model = PublicUpdate
        fields = ("id", "state", "text", "at", "is_draft", "publish_at", "edited_at", "held_at", "earlier")
        read_only_fields = ("edited_at", "held_at")


class ChangedUpdateSerializer(PublicUpdateSerializer):
    """A change of an update. Of a public one only the text can change."""

    publish = serializers.BooleanField(required=False, write_only=True, help_text="Make it public now.")

    class Meta(PublicUpdateSerializer.Meta):
        fields = (*PublicUpdateSerializer.Meta.fields, "publish")  # type: ignore[assignment]


class ResentLettersSerializer(serializers.Serializer[Any]):
    letters = serializers.IntegerField(help_text="How many letters are due once more.")


if TYPE_CHECKING:
    _View = TeamViewSet[PublicIncident]
else:
    _View = object


class UpdatesMixin(_View):
    """Operations on the updates of a public incident or of planned maintenance."""

    def get_object(self) -> PublicIncident:
        if self.locks_row:
            # The page first, as who publishes does: two that wait for each other would both fail.
            lock_page_of(self.team, self.kwargs[self.lookup_field])
        row: PublicIncident = super().get_object()
        return row

    @extend_schema(request=PublicUpdateSerializer, responses={201: PublicUpdateSerializer})
    @action(detail=True, methods=["post"])
    def updates(self, request: Request, public_id: str) -> Response:
        """Add an update: public at once, at `publish_at`, or a draft. The same words in the same state are one."""
        asked = PublicUpdateSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        made = add_update(self.get_object(), {**asked.validated_data, "written_by": signed_name(request)})
        return Response(PublicUpdateSerializer(made).data, status=201)

    @extend_schema(request=ChangedUpdateSerializer, responses={200: PublicUpdateSerializer})
    @action(detail=True, methods=["patch"], url_path=UPDATE_PATH)
    def one_update(self, request: Request, public_id: str, update: str) -> Response:
        """Change an update that is not public yet, publish it, or edit the text of one that is."""
        row = get_object_or_404(self.get_object().updates, public_id=update)
        asked = ChangedUpdateSerializer(row, data=request.data, partial=True, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        wanted = {name: value for name, value in asked.validated_data.items() if name in request.data}
        changed = change_update(row, {**wanted, "written_by": signed_name(request)})
        return Response(PublicUpdateSerializer(changed).data)

    @extend_schema(responses={204: None})
    @one_update.mapping.delete
    def remove_update(self, request: Request, public_id: str, update: str) -> Response:
        """Delete an update that is not public yet."""
        delete_update(get_object_or_404(self.get_object().updates, public_id=update))
        return Response(status=204)

    @extend_schema(request=None, responses={200: ResentLettersSerializer})
    @action(detail=True, methods=["post"], url_path=f"{UPDATE_PATH}/resend")
    def resend_update(self, request: Request, public_id: str, update: str) -> Response:
        """Send the letters of an update that were given up once more, to who is subscribed still.

        Where a newer update of the incident was told, that one says more, and is what can be sent again.
        """
        row = get_object_or_404(self.get_object().updates, public_id=update)
        return Response({"letters": resend_letters(row)})
