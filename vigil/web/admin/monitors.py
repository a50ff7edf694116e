"""Admin of monitors, regions and dispatcher leases, with latest results."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.dispatch.models import Lease
from vigil.heartbeats.changes import delete_heartbeat
from vigil.incidents.shown_status import shown_status, state_of
from vigil.monitors import changes
from vigil.monitors.dependencies import set_parents
from vigil.monitors.live.results import instant, latest_results, region_quarantines, region_shares, region_statuses
from vigil.monitors.models import DerivedKind, Monitor, Region
from vigil.monitors.presets import GIVEN
from vigil.web.admin.monitor_form import MonitorForm, NewMonitorForm
from vigil.web.admin.pieces import ReadOnlyAdmin, TeamAdminBase, age, secret_names, table

#: Changes of a monitor on its page.
CHANGES_SHOWN = 20


@admin.register(Monitor)
class MonitorAdmin(TeamAdminBase):
    form = MonitorForm
    list_display = ("name", "status", "kind", "target", "interval_s", "region_names", "paused", "team")
    list_filter = ("believed__status", "kind", "paused", "regions", "team")
    search_fields = ("name", "public_id", "tags", "config")
    readonly_fields = ("public_id", "status", "seen", "secrets_set", "warnings", "revision", "changed", "created_at")
    filter_horizontal = ("regions",)
    autocomplete_fields = ("team",)
    list_per_page = 50
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Monitor]:
        return Monitor.objects.filter(deleted_at=None).select_related("team", "believed").prefetch_related("regions")

    def get_readonly_fields(self, request: HttpRequest, obj: Monitor | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "team") if obj else ("warnings", "changed")

    def get_fields(self, request: HttpRequest, obj: Monitor | None = None) -> tuple[str, ...]:
        return ("public_id", "status", "seen", *self.form.Meta.fields, "secrets_set", "warnings", "revision", "changed")

    def get_fieldsets(self, request: HttpRequest, obj: Monitor | None = None) -> Any:
        if obj:
            return super().get_fieldsets(request, obj)
        by_hand = tuple(field for field in self.form.Meta.fields if field not in ("team", "regions"))
        return (
            (None, {"fields": ("team", "regions")}),
            ("From a preset", {"fields": ("preset", *GIVEN), "description": "This is enough for most AI services."}),
            ("By hand", {"fields": by_hand, "description": "Required without a preset; with a preset, only changes."}),
        )

    def get_form(self, request: HttpRequest, obj: Monitor | None = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change, **options if obj else {**options, "form": NewMonitorForm})

    @admin.display(description="status", ordering="believed__status")
    def status(self, monitor: Monitor) -> str:
        state = state_of(monitor)
        return f"{shown_status(monitor)} (account)" if state and state.account else shown_status(monitor)

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

    @admin.display(description="changes")
    def changed(self, monitor: Monitor) -> str:
        last = monitor.changes.all()[:CHANGES_SHOWN]
        rows = [(one.at, f"{one.author} {one.via}".strip(), one.action, ", ".join(one.fields)) for one in last]
        return table(("when (UTC)", "who", "what", "fields"), rows) if rows else "none on record"

    @admin.display(description="secrets that are set")
    def secrets_set(self, monitor: Monitor) -> str:
        return secret_names(monitor.secrets)

    @admin.display(description="regions")
    def region_names(self, monitor: Monitor) -> str:
        return ", ".join(region.slug for region in monitor.regions.all()) or "none"

    @admin.display(description="warnings")
    def warnings(self, monitor: Monitor) -> str:
        return " ".join(changes.monitor_warnings(monitor)) or "none"

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._set_paused(queryset, True)

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._set_paused(queryset, False)

    def save_model(self, request: HttpRequest, obj: Monitor, form: MonitorForm, change: bool) -> None:
        wanted = form.wanted()
        saved = changes.update_monitor(obj, wanted) if change else changes.create_monitor(obj.team, wanted)
        obj.pk, obj.revision = saved.pk, saved.revision
        set_parents(saved, form.cleaned_data["parents"])
        for warning in (*changes.monitor_warnings(saved), *getattr(form, "advice", ())):
            messages.warning(request, warning)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the write path has set the regions."""

    def has_delete_permission(self, request: HttpRequest, obj: Monitor | None = None) -> bool:
        """A heartbeat is shown here too; to delete it takes the right to delete heartbeats."""
        if obj is not None and obj.kind == DerivedKind.HEARTBEAT:
            return request.user.has_perm("heartbeats.delete_heartbeat")
        return super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Monitor) -> None:
        if obj.kind == DerivedKind.HEARTBEAT:
            delete_heartbeat(obj.heartbeat)
        else:
            changes.delete_monitor(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        for monitor in queryset:
            if self.has_delete_permission(request, monitor):
                self.delete_model(request, monitor)
            else:
                messages.error(request, f"{monitor} is a heartbeat, which you may not delete.")

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The monitors only: their incidents stay."""
        return [str(monitor) for monitor in objs], {"monitors": len(objs)}, set(), []

    def _set_paused(self, queryset: QuerySet[Monitor], paused: bool) -> None:
        for monitor in queryset:
            changes.set_paused(monitor, paused)


@admin.register(Region)
class RegionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Places that run checks. `manage.py region add` also makes the worker's key."""

    list_display = ("slug", "name", "domain", "enabled", "egress", "last_status", "worker_since")
    list_filter = ("enabled", "domain", "egress")
    search_fields = ("slug", "name", "domain")
    fields = ("slug", "name", "domain", "enabled", "egress", "last_status", "worker_since")

    def get_readonly_fields(self, request: HttpRequest, obj: Region | None = None) -> tuple[str, ...]:
        return ("slug", "last_status", "worker_since") if obj else ("last_status", "worker_since")

    @admin.display(description="last status")
    def last_status(self, region: Region) -> str:
        if not region.slug:
            return "-"
        statuses = region_statuses([region.slug])
        if not statuses.available:
            return "unavailable: Redis does not answer"
        status = statuses.by_region.get(region.slug)
        if status is None:
            return "dark: none within 45 s" if region.worker_since else "none yet: waits for its worker"
        heard = age(instant(status.at_ms), timezone.now())
        share = region_shares().get(region.slug, 1.0)
        shed = f", cannot keep up: gets {share:.0%} of its scheduled checks" if share < 1 else ""
        held = region_quarantines().get(region.slug, "")
        shown = f"{heard}, clock {status.clock_offset_ms:+d} ms, {status.in_flight} in flight{shed}"
        return f"{shown}. {held}" if held else shown


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "holder", "epoch", "expires_at")
