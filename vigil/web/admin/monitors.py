"""Admin of monitors and regions, with what the regions see now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.accounts.sealed import Secrets
from vigil.incidents.models import MonitorState
from vigil.monitors import changes
from vigil.monitors.latest import instant, latest_results, region_heartbeats, region_shares
from vigil.monitors.models import DerivedKind, Monitor, Region
from vigil.web.admin.pieces import NewSecretsField, PrettyJSONField, age, secret_names, table


class MonitorForm(forms.ModelForm):  # type: ignore[type-arg]
    config = PrettyJSONField(help_text='What the prober needs, such as {"url": "https://api.example.com/health"}.')
    new_secrets = NewSecretsField()
    tags = forms.JSONField(required=False, initial=list, help_text='A list of words: ["payments", "eu"].')

    class Meta:
        model = Monitor
        fields = (
            "team", "name", "kind", "config", "new_secrets", "interval_s", "timeout_ms", "sensitivity", "regions",
            "tags", "priority", "paused",
        )  # fmt: skip

    def clean_kind(self) -> str:
        kind = str(self.cleaned_data["kind"])
        if self.instance.pk is None and kind in DerivedKind:
            raise ValidationError(f"No region looks at a {kind}: it is made in a place of its own.")
        return kind

    def clean_tags(self) -> Any:
        return self.cleaned_data["tags"] or []

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        new: Secrets | None = self.cleaned_data.get("new_secrets")
        if new is not None:
            self.instance.secrets = new
        try:
            changes.validate_monitor(self.instance)
        except ValidationError as refused:
            for field, problems in refused.message_dict.items():
                shown = {"secrets": "new_secrets", "__all__": None}.get(field, field)
                self.add_error(shown if shown in self.fields else None, problems)

    def wanted(self) -> dict[str, Any]:
        """What the write path is to set."""
        values = {name: value for name, value in self.cleaned_data.items() if name in changes.SETTABLE}
        if self.cleaned_data.get("new_secrets") is not None:
            values["secrets"] = self.cleaned_data["new_secrets"]
        return values


@admin.register(Monitor)
class MonitorAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = MonitorForm
    list_display = ("name", "status", "kind", "target", "interval_s", "region_names", "paused", "team")
    list_filter = ("believed__status", "kind", "paused", "regions", "team")
    search_fields = ("name", "public_id", "tags", "config")
    readonly_fields = ("public_id", "status", "seen", "secrets_set", "warnings", "revision", "created_at")
    filter_horizontal = ("regions",)
    autocomplete_fields = ("team",)
    list_per_page = 50
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Monitor]:
        return Monitor.objects.filter(deleted_at=None).select_related("team", "believed").prefetch_related("regions")

    def get_readonly_fields(self, request: HttpRequest, obj: Monitor | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "team") if obj else ("warnings",)

    def get_fields(self, request: HttpRequest, obj: Monitor | None = None) -> tuple[str, ...]:
        settable = tuple(self.form.Meta.fields)
        return ("public_id", "status", "seen", *settable, "secrets_set", "warnings", "revision") if obj else settable

    @admin.display(description="status", ordering="believed__status")
    def status(self, monitor: Monitor) -> str:
        if monitor.paused:
            return "paused"
        # A monitor has no state until ingest has seen it.
        state: MonitorState | None = getattr(monitor, "believed", None)
        return (f"{state.status} (account)" if state.account else state.status) if state else "unknown"

    @admin.display(description="seen now")
    def seen(self, monitor: Monitor) -> str:
        regions = [region.slug for region in monitor.regions.all()]
        latest = latest_results([monitor.public_id], regions)
        if not latest.available:
            return "unavailable: Redis does not answer"
        now = timezone.now()
        rows: list[tuple[object, ...]] = []
        for region in regions:
            result = latest.of(monitor.public_id).get(region)
            if result is None:
                rows.append((region, "nothing yet", "", "", "", ""))
                continue
            total = f"{result.phases.total_us / 1000:.1f} ms"
            seen_at = age(instant(result.started_ms), now)
            rows.append((region, result.status.value, result.reason.value, total, result.detail, seen_at))
        return table(("region", "status", "reason", "total", "detail", "when"), rows)

    @admin.display(description="secrets that are set")
    def secrets_set(self, monitor: Monitor) -> str:
        return secret_names(monitor.secrets)

    @admin.display(description="regions")
    def region_names(self, monitor: Monitor) -> str:
        return ", ".join(region.slug for region in monitor.regions.all()) or "none"

    @admin.display(description="warnings")
    def warnings(self, monitor: Monitor) -> str:
        return " ".join(changes.layout_warnings(list(monitor.regions.all()))) or "none"

    @admin.action(description="Pause: stop looking")
    def pause(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._set_paused(queryset, True)

    @admin.action(description="Resume: look again")
    def resume(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._set_paused(queryset, False)

    def save_model(self, request: HttpRequest, obj: Monitor, form: MonitorForm, change: bool) -> None:
        wanted = form.wanted()
        saved = changes.update_monitor(obj, wanted) if change else changes.create_monitor(obj.team, wanted)
        obj.pk, obj.revision = saved.pk, saved.revision
        for warning in changes.layout_warnings(list(saved.regions.all())):
            messages.warning(request, warning)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left: the write path has set the regions in the monitor's own transaction."""

    def delete_model(self, request: HttpRequest, obj: Monitor) -> None:
        changes.delete_monitor(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        for monitor in queryset:
            changes.delete_monitor(monitor)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Only the monitors themselves: their incidents stay."""
        return [str(monitor) for monitor in objs], {"monitors": len(objs)}, set(), []

    def _set_paused(self, queryset: QuerySet[Monitor], paused: bool) -> None:
        for monitor in queryset:
            changes.set_paused(monitor, paused)


@admin.register(Region)
class RegionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Places that look. `manage.py region add` also makes the worker's key."""

    list_display = ("slug", "name", "domain", "enabled", "egress", "heartbeat")
    list_filter = ("enabled", "domain", "egress")
    search_fields = ("slug", "name", "domain")
    fields = ("slug", "name", "domain", "enabled", "egress", "heartbeat")

    def get_readonly_fields(self, request: HttpRequest, obj: Region | None = None) -> tuple[str, ...]:
        return ("slug", "heartbeat") if obj else ("heartbeat",)

    @admin.display(description="last heartbeat")
    def heartbeat(self, region: Region) -> str:
        if not region.slug:
            return "-"
        beats = region_heartbeats([region.slug])
        if not beats.available:
            return "unavailable: Redis does not answer"
        beat = beats.by_region.get(region.slug)
        if beat is None:
            return "dark: none within 45 s"
        heard = age(instant(beat.at_ms), timezone.now())
        share = region_shares().get(region.slug, 1.0)
        shed = f", cannot keep up: is sent {share:.0%} of its scheduled checks" if share < 1 else ""
        return f"{heard}, clock {beat.clock_offset_ms:+d} ms, {beat.in_flight} in flight{shed}"
