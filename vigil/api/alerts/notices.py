"""Notices API: quiet messages that are no incidents."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from vigil.api.base.filters import ListFilters, MomentFilter, NamedRowsFilter
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.views import ReadOnlyViewSet
from vigil.monitors.models import Monitor
from vigil.notices.models import StoredNotice


class NoticeSerializer(ApiModelSerializer[StoredNotice]):
    id = serializers.CharField(source="public_id", read_only=True)
    monitor = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True, allow_null=True)

    class Meta:
        model = StoredNotice
        fields: tuple[str, ...] = ("id", "kind", "key", "title", "monitor", "before", "after", "at", "created_at")


class NoticeFilter(ListFilters):
    monitor = NamedRowsFilter(Monitor, field_name="monitor__public_id")
    at_after = MomentFilter(field_name="at", lookup_expr="gte")
    at_before = MomentFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = StoredNotice
        fields = ("kind",)


class NoticeViewSet(ReadOnlyViewSet):
    """Changes and dates ahead that were told once, newest first. Nothing is down, and nothing is to be resolved."""

    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    lookup_field = "public_id"
    lookup_value_regex = r"ntc_[0-9a-z]{1,20}"
    queryset = StoredNotice.objects.none()

    def get_queryset(self) -> QuerySet[StoredNotice]:
        return StoredNotice.objects.filter(team=team_of(self.request)).select_related("monitor")
