"""Admin of silences and maintenance windows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.alerts.routing.holds import look_again_in
from vigil.alerts.wording.text import clock
from vigil.silences.changes import (
    SETTABLE,
    change_silence,
    create_silence,
    delete_silence,
    end_now,
    set_window,
    validate_silence,
)
from vigil.silences.core.windows import current, windows
from vigil.silences.models import Silence
from vigil.web.admin.pieces import TeamAdminBase, as_form_errors, table
from vigil.web.admin.typed.fields import CommaWordsField, RegionNamesField


class SilenceForm(forms.ModelForm):  # type: ignore[type-arg]
    tags = CommaWordsField("Monitors with any of these tags.")
    regions = RegionNamesField(help_text="Only alerts of regional incidents in these regions; none means every alert.")

    class Meta:
        model = Silence
        fields = (
            "team", "name", "reason", "mutes", "pauses", "excludes", "every_monitor", "monitors", "tags", "regions",
            "starts_at", "ends_at", "cron", "duration_s", "zone",
        )  # fmt: skip

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        # Constraints of the table are also checked by the write path, with an error by field.
        self.errors.pop("__all__", None)
        if not self.errors and self.instance._state.adding:
            set_window(self.instance)
        if not self.errors:
            as_form_errors(self, lambda: validate_silence(self.instance, list(self.cleaned_data["monitors"])))


@admin.register(Silence)
class SilenceAdmin(TeamAdminBase):
    """A change keeps the past: it ends one row and adds another."""

    form = SilenceForm
    list_display = ("name", "does", "state", "reason", "team")
    list_filter = ("mutes", "pauses", "excludes", "team")
    search_fields = ("name", "public_id", "reason")
    autocomplete_fields = ("team", "monitors")
    readonly_fields = ("state", "coming", "created_by")
    actions = ("end_windows",)
    fieldsets = (
        (None, {"fields": ("team", "name", "reason", "state", "coming", "created_by")}),
        ("What it does", {"fields": ("mutes", "pauses", "excludes")}),
        ("Which monitors", {"fields": ("every_monitor", "monitors", "tags", "regions")}),
        ("Once", {"fields": ("starts_at", "ends_at")}),
        ("Recurring", {"fields": ("cron", "duration_s", "zone")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Silence]:
        return Silence.objects.filter(valid_until=None).select_related("team")

    def get_readonly_fields(self, request: HttpRequest, obj: Silence | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "team") if obj else self.readonly_fields

    @admin.display(description="does")
    def does(self, silence: Silence) -> str:
        return ", ".join(name for name in ("mutes", "pauses", "excludes") if getattr(silence, name))

    @admin.display(description="active now")
    def state(self, silence: Silence) -> str:
        window = current(silence.schedule, timezone.now()) if silence.pk else None
        return f"until {clock(window.ends)}" if window else "no"

    @admin.display(description="coming windows")
    def coming(self, silence: Silence) -> str:
        if silence._state.adding:
            return "-"
        now = timezone.now()
        found = windows(silence.schedule, now, now + timedelta(days=35))[:5]
        rows = [(clock(window.starts), clock(window.ends)) for window in found]
        return table(("from", "until"), rows) if rows else "none within 35 days"

    @admin.action(description="End the windows that hold now", permissions=["change"])
    def end_windows(self, request: HttpRequest, queryset: QuerySet[Silence]) -> None:
        for silence in queryset:
            left = end_now(silence)
            look_again_in(silence.team_id)
            messages.success(request, f"{silence}: {'continues with its next window' if left else 'is over'}.")

    def save_model(self, request: HttpRequest, obj: Silence, form: SilenceForm, change: bool) -> None:
        wanted = {name: value for name, value in form.cleaned_data.items() if name in SETTABLE}
        monitors = list(form.cleaned_data["monitors"])
        if change:
            saved = change_silence(Silence.objects.get(pk=obj.pk), wanted, monitors)
            obj.pk = saved.pk
            look_again_in(saved.team_id)
        else:
            obj.created_by = request.user.get_username()[:120]
            create_silence(obj, wanted, monitors)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the write path has set the monitors."""

    def delete_model(self, request: HttpRequest, obj: Silence) -> None:
        delete_silence(obj)
        look_again_in(obj.team_id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Silence]) -> None:
        for silence in queryset:
            self.delete_model(request, silence)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Future windows only: past ones stay excluded."""
        return [str(silence) for silence in objs], {"silences": len(objs)}, set(), []
