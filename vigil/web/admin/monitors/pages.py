"""Admin of monitors, with latest results, bulk pause and silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.alerts.wording.text import duration
from vigil.heartbeats.changes import delete_heartbeat
from vigil.incidents.shown_status import shown_status, state_of
from vigil.monitors import changes
from vigil.monitors.dependencies import set_parents
from vigil.monitors.live.results import instant, latest_results
from vigil.monitors.models import DerivedKind, Monitor, Region
from vigil.monitors.presets import GIVEN
from vigil.web import bulk
from vigil.web.admin.monitors.forms import OF_ALL, OF_CHECKED, PresetForm, WatchedForm, typed_form
from vigil.web.admin.monitors.settings import TypedFields, typed_fields
from vigil.web.admin.pieces import age, secret_names, table
from vigil.web.admin.typed.kinds import PagesByKind
from vigil.web.forms.canary_price import SHOWN
from vigil.web.forms.words import KINDS

#: Changes of a monitor on its page.
CHANGES_SHOWN = 20
#: Names of regions in a row of the list.
REGIONS_SHOWN = 3
#: Instead of a kind, in the address of the form of a new one.
PRESET = "preset"
_WATCHED = ("name", *OF_CHECKED, "tags", "priority", "parents")


def checked_kinds() -> list[tuple[str, str]]:
    """Kinds that regions check, as they are plugged in, with their words."""
    # Imported late: most processes never show this page, and the probers load slowly.
    from probes.probers import PROBERS

    return [(kind, KINDS.get(kind, kind)) for kind in PROBERS]


class KindOfMonitorFilter(admin.SimpleListFilter):
    """Kinds as they are plugged in: the table is not asked which ones it holds."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [*checked_kinds(), *((one.value, one.value) for one in DerivedKind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> QuerySet[Monitor]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Monitor)
class MonitorAdmin(PagesByKind):
    """Monitors; a new one is of a kind, or from a preset."""

    form = WatchedForm
    list_display = ("name", "status", "kind", "target", "interval_s", "region_names", "paused", "team")
    list_filter = ("believed__status", KindOfMonitorFilter, "paused", "priority", "regions", "team")
    search_fields = ("name", "=public_id", "tags", "config")
    # As the index of names within a team has them.
    ordering = ("team_id", "name")
    readonly_fields = ("public_id", "kind", "status", "seen", "secrets_set", "warnings", "revision", "changed")
    autocomplete_fields = ("team",)
    actions = ("pause", "resume", "silence_an_hour", "silence_a_day")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Monitor]:
        return Monitor.objects.filter(deleted_at=None).select_related("team", "believed").prefetch_related("regions")

    def kinds(self) -> list[tuple[str, str]]:
        return [(PRESET, "From a preset: enough for most AI services"), *checked_kinds()]

    def get_readonly_fields(self, request: HttpRequest, obj: Monitor | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "team") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Monitor | None = None) -> Any:
        if obj is None and self.kind_of(request, None) == PRESET:
            return ((None, {"fields": ("team", "preset", *GIVEN)}), ("Instead of the preset's", {"fields": _WATCHED}))
        is_derived = obj is not None and obj.kind in DerivedKind
        kept = (None, {"fields": ("public_id", "kind", "status", "seen", "warnings")})
        if is_derived:
            return (kept, ("Settings", {"fields": (*OF_ALL, "revision", "changed")}))
        if obj and not self.has_change_permission(request, obj):
            # Who may only look sees what is stored: fields of a form would be empty.
            stored = ("config", *OF_ALL[:-1], *OF_CHECKED)
            return (kept, ("Settings", {"fields": (*stored, "secrets_set", "revision", "changed")}))
        groups = [
            (title, {"fields": names, "classes": ("collapse",) if is_more else ()})
            for title, names, is_more in self._typed(request, obj).groups
        ]
        first = (None, {"fields": ("team", "name", SHOWN)})
        watched = ("How it is watched", {"fields": tuple(name for name in _WATCHED if name != "name")})
        after = ("Changes", {"fields": ("secrets_set", "revision", "changed")})
        return (kept, first, *groups, watched, after) if obj else (first, *groups, watched)

    def get_form(self, request: HttpRequest, obj: Monitor | None = None, change: bool = False, **options: Any) -> Any:
        kind = self.kind_of(request, obj)
        form: Any = WatchedForm if kind in DerivedKind else PresetForm
        if kind != PRESET and kind not in DerivedKind:
            form = typed_form(kind, self._typed(request, obj))
        return super().get_form(request, obj, change, **{**options, "form": form})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "regions":
            return forms.ModelMultipleChoiceField(
                Region.objects.order_by("slug"), required=False, widget=forms.CheckboxSelectMultiple,
                help_text="Those that look. An alert needs most of them.",
            )  # fmt: skip
        return super().formfield_for_manytomany(db_field, request, **options)

    def _typed(self, request: HttpRequest, obj: Monitor | None) -> TypedFields:
        return typed_fields(self.kind_of(request, obj), obj, request.POST if request.method == "POST" else None)

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
        rows = [
            (f"{one.at:%Y-%m-%d %H:%M:%S}", f"{one.author} {one.via}".strip(), one.action, ", ".join(one.fields))
            for one in last
        ]
        return table(("when (UTC)", "who", "what", "fields"), rows) if rows else "none on record"

    @admin.display(description="secrets that are set")
    def secrets_set(self, monitor: Monitor) -> str:
        return secret_names(monitor.secrets)

    @admin.display(description="regions")
    def region_names(self, monitor: Monitor) -> str:
        names = [region.slug for region in monitor.regions.all()]
        more = [f"{len(names) - REGIONS_SHOWN} more"] if len(names) > REGIONS_SHOWN else []
        return ", ".join([*names[:REGIONS_SHOWN], *more]) or "none"

    @admin.display(description="warnings")
    def warnings(self, monitor: Monitor) -> str:
        return " ".join(changes.monitor_warnings(monitor)) or "none"

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._set_paused(request, queryset, True)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._set_paused(request, queryset, False)

    def _set_paused(self, request: HttpRequest, queryset: QuerySet[Monitor], paused: bool) -> None:
        """Each for itself: one that cannot be changed stands in the way of no other."""
        done = 0
        for monitor in queryset.select_related("heartbeat"):
            try:
                bulk.set_paused([monitor], paused)
                done += 1
            except ValidationError as refused:
                messages.error(request, f"{monitor}: {' '.join(refused.messages)}")
            except ObjectDoesNotExist:
                messages.error(request, f"{monitor} is gone.")
        messages.success(request, f"{'Paused' if paused else 'Resumed'}: {done}.")

    @admin.action(description="Silence for an hour", permissions=["silence"])
    def silence_an_hour(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._silence(request, queryset, timedelta(hours=1))

    @admin.action(description="Silence for a day", permissions=["silence"])
    def silence_a_day(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        self._silence(request, queryset, timedelta(days=1))

    def has_silence_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("silences.add_silence")

    def _silence(self, request: HttpRequest, queryset: QuerySet[Monitor], how_long: timedelta) -> None:
        """One silence for the monitors of each team."""
        by_team: dict[int, list[Monitor]] = {}
        for monitor in queryset:
            by_team.setdefault(monitor.team_id, []).append(monitor)
        with transaction.atomic():
            for monitors in by_team.values():
                made = bulk.silence(request.user.get_username(), monitors, how_long)
                messages.success(request, f"{made} of {made.team}: silent for {duration(how_long)}.")

    def save_model(self, request: HttpRequest, obj: Monitor, form: WatchedForm, change: bool) -> None:
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
