"""Admin of heartbeats: status, snippets, last pings, and charts of runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from vigil.heartbeats import changes, overview
from vigil.heartbeats.core.pings.body import text_of
from vigil.heartbeats.core.schedule import length_in_words
from vigil.heartbeats.models import Heartbeat, ReceptionGap, StoredPing, TeamPings
from vigil.heartbeats.rows import schedule_of, terms_of
from vigil.heartbeats.showing.snippets import SNIPPETS
from vigil.web.admin.heartbeat_form import heartbeat_form
from vigil.web.admin.lists.pages import BoundedListAdmin
from vigil.web.admin.pieces import ManagedAdmin, ReadOnlyAdmin, table

_PINGS_SHOWN = 30
#: Columns that a person sees who may change nothing.
_STORED = (
    "monitor", "slug", "schedule", "period_s", "expression", "time_zone", "grace_s", "run_limit_s", "keywords",
    "budget",
)  # fmt: skip


@admin.register(Heartbeat)
class HeartbeatAdmin(ManagedAdmin):
    list_display = ("name", "status_now", "expects", "last_ping_at", "expected_at", "team")
    list_filter = ("status", "trouble", "team")
    search_fields = ("monitor__name", "slug", "=monitor__public_id")
    ordering = ("-pk",)
    actions = ("pause", "pause_until_ping", "resume", "rotate")
    list_per_page = 50
    _shown = ("status_now", "address", "charts", "last_pings", "how_to_call", "badge")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Heartbeat]:
        return Heartbeat.objects.filter(monitor__deleted_at=None).select_related("monitor", "team")

    def get_readonly_fields(self, request: HttpRequest, obj: Heartbeat | None = None) -> tuple[str, ...]:
        return (*self._shown, "last_ping_at", "last_success_at", "expected_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Heartbeat | None = None) -> tuple[str, ...]:
        kept = tuple(heartbeat_form(obj).base_fields)
        if obj is None:
            return kept
        if not self.has_change_permission(request, obj):
            # Who may only look sees what is stored: fields of a form would be empty.
            kept = _STORED
        times = ("last_ping_at", "last_success_at", "expected_at")
        shown = ("status_now", "address", *times, "charts", "last_pings", "how_to_call", "badge", *kept)
        # An address acts when it is called: staff that may only look does not see it.
        hidden = () if self.has_change_permission(request, obj) else ("address", "how_to_call", "badge")
        return tuple(name for name in shown if name not in hidden)

    def get_form(self, request: HttpRequest, obj: Heartbeat | None = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change, **{**options, "form": heartbeat_form(obj)})

    @admin.display(description="name", ordering="monitor__name")
    def name(self, row: Heartbeat) -> str:
        return row.monitor.name

    @admin.display(description="status", ordering="status")
    def status_now(self, row: Heartbeat) -> str:
        return overview.status_shown(row)

    @admin.display(description="expected")
    def expects(self, row: Heartbeat) -> str:
        return f"{schedule_of(row).in_words()}, grace {length_in_words(terms_of(row).grace)}"

    @admin.display(description="address")
    def address(self, row: Heartbeat) -> SafeString:
        mail = overview.mail_address(row)
        by_slug = overview.slug_address(row, changes.team_pings(row.team).key)
        lines = [(overview.ping_address(row),), (by_slug,), *([(mail,)] if mail else [])]
        return format_html_join(mark_safe("<br>"), "<code>{}</code>", lines)

    @admin.display(description="last runs")
    def charts(self, row: Heartbeat) -> SafeString | str:
        found = overview.charts(row)
        # `charts` escapes every text.
        drawn = [(one.title, mark_safe(one.svg)) for one in found]
        return format_html_join("", "<h4>{}</h4>{}", drawn) if found else "nothing yet"

    @admin.display(description="last pings")
    def last_pings(self, row: Heartbeat) -> SafeString | str:
        pings = overview.last_pings(row, _PINGS_SHOWN)
        rows = [
            (ping.n, f"{ping.at:%Y-%m-%d %H:%M:%S}", ping.kind, ping.word if ping.exit_code is None else ping.exit_code,
             "" if ping.duration_ms is None else f"{ping.duration_ms / 1000:g} s", ping.rid,
             ", ".join(f"{name} {value}" for name, value in ping.facts.items()), ping.method, ping.body_size or "")
            for ping in pings
        ]  # fmt: skip
        heading = ("no.", "at (UTC)", "what", "exit code", "took", "run", "told", "by", "bytes")
        return table(heading, rows) if rows else "none yet"

    @admin.display(description="how to call")
    def how_to_call(self, row: Heartbeat) -> SafeString:
        address = overview.ping_address(row)
        shown = [(one.title, one.for_address(address)) for one in SNIPPETS.values()]
        return format_html_join("", "<details><summary>{}</summary><pre>{}</pre></details>", shown)

    @admin.display(description="badge")
    def badge(self, row: Heartbeat) -> SafeString:
        addresses = overview.badge_addresses(row)
        return format_html('<img src="/badge/{}.svg" alt=""> <code>{}</code>', row.badge_code, addresses["svg"])

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Heartbeat]) -> None:
        for row in queryset:
            changes.set_paused(row, True)

    @admin.action(description="Pause until the next ping", permissions=["change"])
    def pause_until_ping(self, request: HttpRequest, queryset: QuerySet[Heartbeat]) -> None:
        for row in queryset:
            changes.set_paused(row, True, until_ping=True)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Heartbeat]) -> None:
        for row in queryset:
            changes.set_paused(row, False)

    @admin.action(description="Rotate: new addresses for pings and badges", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[Heartbeat]) -> None:
        for row in queryset:
            changes.rotate_address(row)
        messages.warning(request, "The old addresses no longer work.")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Heartbeat:
        """Nothing: `_post_clean` has saved it."""
        saved: Heartbeat = form.saved
        return saved

    def save_model(self, request: HttpRequest, obj: Heartbeat, form: Any, change: bool) -> None:
        """Nothing: `_post_clean` has saved it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: `_post_clean` has saved it."""

    def delete_model(self, request: HttpRequest, obj: Heartbeat) -> None:
        changes.delete_heartbeat(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Heartbeat]) -> None:
        for row in queryset:
            changes.delete_heartbeat(row)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The heartbeats only: their incidents stay."""
        return [str(row) for row in objs], {"heartbeats": len(objs)}, set(), []


@admin.register(TeamPings)
class TeamPingsAdmin(BoundedListAdmin):
    """Keys and addresses for a team's jobs."""

    list_display = ("team", "creates")
    list_filter = ("creates",)
    search_fields = ("team__name",)
    list_select_related = ("team",)
    autocomplete_fields = ("team",)
    readonly_fields = ("key", "badge_key")
    actions = ("rotate_key", "rotate_badge_key")

    def get_fields(self, request: HttpRequest, obj: TeamPings | None = None) -> tuple[str, ...]:
        return (
            ("team", "key", "badge_key", "creates") if self.has_change_permission(request, obj) else ("team", "creates")
        )

    @admin.action(description="Rotate the key for pings by slug", permissions=["change"])
    def rotate_key(self, request: HttpRequest, queryset: QuerySet[TeamPings]) -> None:
        self._rotate(request, queryset, badges=False)

    @admin.action(description="Rotate the key for badges of tags", permissions=["change"])
    def rotate_badge_key(self, request: HttpRequest, queryset: QuerySet[TeamPings]) -> None:
        self._rotate(request, queryset, badges=True)

    def _rotate(self, request: HttpRequest, queryset: QuerySet[TeamPings], badges: bool) -> None:
        for row in queryset.select_related("team"):
            changes.rotate_team_key(row.team, badges)
        messages.warning(request, "The old keys no longer work.")

    def has_delete_permission(self, request: HttpRequest, obj: TeamPings | None = None) -> bool:
        return False


@admin.register(ReceptionGap)
class ReceptionGapAdmin(ReadOnlyAdmin):
    """Times without any receiver, in which no job is counted late."""

    list_display = ("begin", "end")
    list_filter = ("end",)


@admin.register(StoredPing)
class StoredPingAdmin(ReadOnlyAdmin):
    """Single pings with their bodies."""

    list_display = ("heartbeat", "n", "at", "kind", "exit_code", "word", "duration_ms", "body_size")
    # The newest thousand of each heartbeat: they are found by their heartbeat alone.
    list_filter = ("heartbeat",)
    search_fields = ("=heartbeat__slug", "=heartbeat__monitor__public_id")
    list_select_related = ("heartbeat",)
    ordering = ("-heartbeat_id", "-n")
    fields = (
        "heartbeat", "n", "at", "kind", "exit_code", "word", "rid", "duration_ms", "facts", "method", "origin", "agent",
        "text",
    )  # fmt: skip
    readonly_fields = ("text",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StoredPing]:
        return super().get_queryset(request).defer("body")

    @admin.display(description="body")
    def text(self, ping: StoredPing) -> SafeString:
        note = (
            f"\n(cut: {len(ping.body)} of {ping.body_size} bytes were kept)" if len(ping.body) < ping.body_size else ""
        )
        return format_html("<pre>{}{}</pre>", text_of(bytes(ping.body)), note)
