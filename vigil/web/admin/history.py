"""Admin of history: objectives, reports, gaps, and the recorder's progress."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from vigil.alerts.channels.email import KIND, EmailConfig
from vigil.alerts.channels.kind import ChannelSettingsError
from vigil.clock import database_now, is_zone
from vigil.history.core.packing import HOUR_MS
from vigil.history.models import Gap, Objective, Position, RecordedHour, Report
from vigil.history.reading.objectives import in_words, objective_status
from vigil.monitors.live.results import instant
from vigil.web.admin.pieces import ReadOnlyAdmin, TeamAdminBase
from vigil.web.admin.typed.fields import CommaWordsField


class ObjectiveForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Objective
        fields = ("team", "name", "monitor", "tag", "target_percent", "window_days", "enabled")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        monitor = cleaned.get("monitor")
        if bool(monitor) == bool(cleaned.get("tag")):
            raise ValidationError({"monitor": "Give either a monitor or a tag."})
        if monitor and cleaned.get("team") and monitor.team_id != cleaned["team"].pk:
            raise ValidationError({"monitor": "This monitor is another team's."})
        return cleaned


@admin.register(Objective)
class ObjectiveAdmin(TeamAdminBase):
    """Objectives; the error budget is computed when the page is opened."""

    form = ObjectiveForm
    list_display = ("name", "monitor", "tag", "target_percent", "window_days", "pace", "enabled", "team")
    list_filter = ("enabled", "team")
    list_select_related = ("monitor", "team")
    search_fields = ("name", "tag", "=public_id", "monitor__name")
    autocomplete_fields = ("team", "monitor")
    readonly_fields = ("stands",)

    @admin.display(description="status")
    def stands(self, objective: Objective) -> str:
        return in_words(objective, objective_status(objective, database_now())) if objective.pk else "-"


class ReportForm(forms.ModelForm):  # type: ignore[type-arg]
    recipients = CommaWordsField("Such as ops@example.com.", required=True)

    class Meta:
        model = Report
        fields = ("team", "frequency", "recipients", "zone", "tag", "enabled")

    def clean_zone(self) -> str:
        zone = str(self.cleaned_data["zone"])
        if not is_zone(zone):
            raise ValidationError("A time zone such as Europe/Berlin.")
        return zone

    def clean_recipients(self) -> list[str]:
        found: list[str] = self.cleaned_data["recipients"]
        try:
            KIND.check(EmailConfig(to=found), {})
        except ChannelSettingsError as wrong:
            raise ValidationError(wrong.problem) from None
        return found


@admin.register(Report)
class ReportAdmin(TeamAdminBase):
    """Recipients of reports of finished weeks or months."""

    form = ReportForm
    list_display = ("team", "frequency", "tag", "zone", "enabled", "sent_until", "last_error")
    list_filter = ("frequency", "team")
    search_fields = ("tag", "=public_id", "team__name")
    list_select_related = ("team",)
    autocomplete_fields = ("team",)
    readonly_fields = ("sent_until", "last_error")


@admin.register(Gap)
class GapAdmin(ReadOnlyAdmin):
    """Gaps in history, and why."""

    list_display = ("region", "reason", "from_at", "to_at", "results")
    list_filter = ("reason", "region")
    search_fields = ("=region__slug",)
    list_select_related = ("region",)


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """Recorded position of each region."""

    list_display = ("region", "entry_id", "updated_at")
    search_fields = ("=region__slug",)
    list_select_related = ("region",)


@admin.register(RecordedHour)
class RecordedHourAdmin(ReadOnlyAdmin):
    """Results recorded in each hour, and whether it is packed."""

    list_display = ("begins", "state", "results", "next_shard", "again", "touched_at")
    list_filter = ("state",)
    ordering = ("-hour",)

    @admin.display(description="hour", ordering="hour")
    def begins(self, row: RecordedHour) -> str:
        return f"{instant(row.hour * HOUR_MS):%Y-%m-%d %H:%M} UTC"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("-hour")
