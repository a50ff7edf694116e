"""Admin of what is watched beside up and down: lists of models and tools, offers, retirements."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.model_watch.models import DatedModel, DeclaredModel, ListState, SeenList
from vigil.offers.models import MonitorOffers
from vigil.tool_watch.models import ToolList
from vigil.web.admin.pieces import ReadOnlyAdmin

_BY_MONITOR = ("=monitor__public_id", "monitor__name")


@admin.register(SeenList)
class SeenListAdmin(ReadOnlyAdmin):
    """The last models list of each region; the rows are packed."""

    list_display = ("monitor", "region", "provider", "total", "at")
    list_filter = ("monitor", "region")
    search_fields = _BY_MONITOR
    list_select_related = ("monitor", "region")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SeenList]:
        return super().get_queryset(request).defer("rows")


@admin.register(ListState)
class ListStateAdmin(ReadOnlyAdmin):
    list_display = ("monitor", "told_at", "waits")
    list_filter = ("waits", "monitor")
    search_fields = _BY_MONITOR
    list_select_related = ("monitor",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ListState]:
        return super().get_queryset(request).defer("rows")


@admin.register(DatedModel)
class DatedModelAdmin(ReadOnlyAdmin):
    list_display = ("model", "provider", "day", "stage", "absent_since", "team")
    list_filter = ("team",)
    search_fields = ("model", "provider")
    list_select_related = ("team",)


@admin.register(DeclaredModel)
class DeclaredModelAdmin(ReadOnlyAdmin):
    list_display = ("group", "model", "provider", "source", "team")
    list_filter = ("team",)
    search_fields = ("group", "model", "provider", "source")
    list_select_related = ("team",)


@admin.register(ToolList)
class ToolListAdmin(ReadOnlyAdmin):
    list_display = ("monitor", "count", "server", "version", "seen_at", "changed_at")
    list_filter = ("monitor",)
    search_fields = (*_BY_MONITOR, "server")
    list_select_related = ("monitor",)


@admin.register(MonitorOffers)
class MonitorOffersAdmin(ReadOnlyAdmin):
    list_display = ("monitor", "model", "region", "read_at")
    list_filter = ("monitor",)
    search_fields = (*_BY_MONITOR, "model")
    list_select_related = ("monitor",)
    hidden = ("series",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MonitorOffers]:
        return super().get_queryset(request).defer("series")
