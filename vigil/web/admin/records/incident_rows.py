"""Admin of what belongs to incidents: steps, postmortems, leads; and of what is believed of each monitor."""

from __future__ import annotations

from django.contrib import admin

from vigil.external.models import ExternalReport
from vigil.incidents.models import DetectionLead, MonitorState, Postmortem, Transition
from vigil.web.admin.pieces import ReadOnlyAdmin

_BY_INCIDENT = ("=incident__public_id", "incident__title")


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    """Steps; the votes behind one are shown on its incident's page."""

    list_display = ("incident", "seq", "step", "reason", "actor", "at")
    list_filter = ("incident",)
    search_fields = ("=public_id", "=incident__public_id")
    list_select_related = ("incident",)
    hidden = ("evidence",)


@admin.register(Postmortem)
class PostmortemAdmin(ReadOnlyAdmin):
    list_display = ("incident", "written_by", "updated_at")
    search_fields = (*_BY_INCIDENT, "written_by")
    list_select_related = ("incident",)


@admin.register(DetectionLead)
class DetectionLeadAdmin(ReadOnlyAdmin):
    list_display = ("incident", "state", "first", "words", "title", "seen_at")
    list_filter = ("state", "first")
    search_fields = (*_BY_INCIDENT, "title")
    list_select_related = ("incident",)
    readonly_fields = ("words",)

    @admin.display(description="lead")
    def words(self, lead: DetectionLead) -> str:
        return lead.words


@admin.register(ExternalReport)
class ExternalReportAdmin(ReadOnlyAdmin):
    """Incidents that another system reports: until when it vouches for each."""

    list_display = ("incident", "heard_at", "ends_at")
    list_filter = ("ends_at",)
    search_fields = _BY_INCIDENT
    list_select_related = ("incident",)


@admin.register(MonitorState)
class MonitorStateAdmin(ReadOnlyAdmin):
    list_display = ("monitor", "status", "account", "regional", "blind", "flapping", "since", "verified_at")
    list_filter = ("status", "account", "regional", "blind", "flapping")
    search_fields = ("=monitor__public_id", "=monitor__name")
    list_select_related = ("monitor",)
