"""Status pages API: pages and their components."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers

from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.teams import InTeam, TeamSerializer, TeamViewSet
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.api.openapi.enums import SUBSCRIBER_KINDS
from vigil.monitors.models import Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH
from vigil.status.addresses import address_of
from vigil.status.changes import delete_status_page, save_picture, save_status_page
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.access import NETWORK_LENGTH, NETWORKS_MOST
from vigil.status.core.look.pictures import LIMITS, PictureRole
from vigil.status.models import PageComponent, StatusPage
from vigil.status.page_checks import PASSWORD_LEAST, PASSWORD_MOST

_ROLES = frozenset(role.value for role in PictureRole)
#: Characters of a picture of the largest size in Base64.
_BASE64_MOST = max(one.size for one in LIMITS.values()) * 4 // 3 + 4


class PictureField(serializers.CharField):
    """Bytes of a PNG, JPEG or WebP in Base64; empty takes the picture away. It is served, and not shown here again."""

    def __init__(self, **options: Any) -> None:
        told = "A PNG, JPEG or WebP in Base64; empty takes it away. It is not shown here again."
        super().__init__(max_length=_BASE64_MOST, allow_blank=True, help_text=told, **options)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return base64.b64decode(super().to_internal_value(data), validate=True)
        except ValueError:
            raise serializers.ValidationError("Base64 of a PNG, JPEG or WebP.") from None


class PageComponentSerializer(ApiModelSerializer[PageComponent]):
    """What a page shows under a public name: a monitor (also a heartbeat or a composite), or a tag."""

    id = serializers.CharField(source="public_id", read_only=True)
    monitor = InTeam(Monitor, required=False, allow_null=True)
    tag = serializers.CharField(max_length=MAX_TAG_LENGTH, required=False, allow_blank=True)

    #: How many a page may have.
    most = MAX_COMPONENTS

    class Meta:
        model = PageComponent
        fields = ("id", "name", "group", "description", "monitor", "tag", "provider", "shows_latency")
        validators: list[Any] = []


class StatusPageSerializer(TeamSerializer[StatusPage]):
    id = serializers.CharField(source="public_id", read_only=True)
    components = PageComponentSerializer(
        many=True,
        required=False,
        help_text=f"In order, at most {MAX_COMPONENTS}; replaced as a whole. One that keeps its name, else its monitor"
        " or tag, keeps its id.",
    )
    password = serializers.CharField(
        write_only=True,
        required=False,
        min_length=PASSWORD_LEAST,
        max_length=PASSWORD_MOST,
        trim_whitespace=False,
        help_text="Of a page whose visibility is `password`. It is never shown again.",
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=NETWORK_LENGTH),
        max_length=NETWORKS_MOST,
        required=False,
        help_text="Whose clients read a page with the visibility `addresses`, such as `10.0.0.0/8`.",
    )
    subscriber_kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=SUBSCRIBER_KINDS),
        max_length=len(SUBSCRIBER_KINDS),
        required=False,
        help_text="How readers may subscribe. Without a kind they cannot; feeds are there always.",
    )
    logo = PictureField(required=False, write_only=True)
    favicon = PictureField(required=False, write_only=True)
    address = serializers.SerializerMethodField()
    managed_by = ManagedField()

    class Meta:
        model = StatusPage
        fields = (
            "id", "slug", "title", "header", "footer", "visibility", "password", "networks", "domain", "language",
            "accent", "logo", "favicon", "enabled", "subscriber_kinds", "components", "address", "managed_by",
            "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("created_at", "updated_at")
        validators: list[Any] = []

    @staticmethod
    def save_row(page: StatusPage, wanted: Mapping[str, Any]) -> StatusPage:
        """The page, and its pictures in the same transaction."""
        with transaction.atomic():
            saved = save_status_page(page, {name: one for name, one in wanted.items() if name not in _ROLES})
            for role in PictureRole:
                if role.value in wanted:
                    save_picture(saved, role, wanted[role.value] or None)
        return saved

    def get_address(self, page: StatusPage) -> str:
        return address_of(page)

    def to_representation(self, instance: StatusPage) -> dict[str, Any]:
        # A write has changed them after they were read.
        if not self.parent:
            getattr(instance, "_prefetched_objects_cache", {}).clear()
        return super().to_representation(instance)


class StatusPageViewSet(ManagedRows, TeamViewSet[StatusPage]):
    """Pages that tell others how a team's components are. A change is served within two seconds."""

    model = StatusPage
    serializer_class = StatusPageSerializer
    lookup_value_regex = r"stp_[0-9a-z]{1,20}"
    filterset_fields = ("visibility", "enabled")
    queryset = StatusPage.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().prefetch_related("components__monitor")

    def perform_destroy(self, instance: StatusPage) -> None:
        delete_status_page(instance)
