"""Admin of what status pages say; written on the pages of the settings and by the API only."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PublicIncident, PublicUpdate
from vigil.status.page_models import PageComponent
from vigil.status.subscribers.resending import resend_letters
from vigil.web.admin.pieces import ReadOnlyAdmin


@admin.register(PageComponent)
class PageComponentAdmin(ReadOnlyAdmin):
    list_display = ("name", "page", "group", "monitor", "tag", "provider")
    list_filter = ("page", "monitor")
    search_fields = ("name", "=public_id", "monitor__name")
    list_select_related = ("page", "monitor")


@admin.register(PublicIncident)
class PublicIncidentAdmin(ReadOnlyAdmin):
    list_display = ("title", "page", "impact", "state", "started_at", "resolved_at", "is_automatic", "team")
    list_filter = ("state", "impact", "is_automatic", "page", "team")
    search_fields = ("title", "=public_id")
    list_select_related = ("page", "team")


@admin.register(PublicUpdate)
class PublicUpdateAdmin(ReadOnlyAdmin):
    list_display = ("incident", "state", "published_at", "publish_at", "written_by", "told_at")
    list_filter = ("state",)
    search_fields = ("=public_id", "=incident__public_id", "incident__title")
    list_select_related = ("incident",)
    actions = ("resend",)

    @admin.action(description="Resend letters that were given up", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[PublicUpdate]) -> None:
        messages.info(request, f"{sum(resend_letters(update) for update in queryset)} letters will be resent.")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("status.change_subscriberletter")


@admin.register(ScheduledMaintenance)
class ScheduledMaintenanceAdmin(ReadOnlyAdmin):
    list_display = ("incident", "starts_at", "ends_at", "is_automatic", "silences", "began_at", "ended_at")
    list_filter = ("is_automatic", "silences")
    search_fields = ("incident__title", "=incident__public_id")
    list_select_related = ("incident",)
