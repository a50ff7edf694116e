"""Admin of status feeds and self-tests."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.alerts.models import SelfTest
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.models import Feed
from vigil.feeds.witnesses import state_in_words, switch
from vigil.web.admin.pieces import ReadOnlyAdmin, table


@admin.register(Feed)
class FeedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Every known feed; the witness process reads the enabled ones."""

    list_display = ("provider", "enabled", "state", "address")
    fields = ("provider", "address", "url", "state", "format", "posts_now")
    readonly_fields = ("provider", "address", "state", "format", "posts_now")
    actions = ("switch_on", "switch_off")
    list_per_page = 100

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feed]:
        Feed.objects.bulk_create([Feed(provider=provider) for provider in SOURCES], ignore_conflicts=True)
        return Feed.objects.filter(provider__in=SOURCES)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Feed | None = None) -> bool:
        return False

    @admin.display(description="state")
    def state(self, feed: Feed) -> str:
        return state_in_words(feed, SOURCES[feed.provider].vouched)

    @admin.display(description="declared lately")
    def posts_now(self, feed: Feed) -> str:
        posts = feed.posts.order_by("-seen_at")[:20]
        rows = [(post.title, post.seen_at, post.created_at or "", post.ended_at or "stands") for post in posts]
        return table(("declared", "first seen", "created (provider's time)", "ended"), rows) if rows else "nothing"

    @admin.action(description="Switch these feeds on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        self._switch(request, queryset, True)

    @admin.action(description="Switch these feeds off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        self._switch(request, queryset, False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Feed], on: bool) -> None:
        changed = switch(list(queryset.values_list("provider", flat=True)), on)
        messages.info(request, f"{len(changed)} switched {'on' if on else 'off'}.")


@admin.register(SelfTest)
class SelfTestAdmin(ReadOnlyAdmin):
    list_display = ("begun_at", "ended_at", "passed", "team")
    list_filter = ("passed", "team")
    fields = ("team", "incident", "begun_at", "ended_at", "passed", "proof")
    readonly_fields = ("proof",)
    list_select_related = ("team",)

    @admin.display(description="proof")
    def proof(self, test: SelfTest) -> str:
        deliveries = test.incident.deliveries.select_related("channel").order_by("pk")
        rows = [
            (one.channel, one.event, one.state, one.attempts, one.sent_at or "", one.last_error) for one in deliveries
        ]
        return table(("channel", "event", "state", "attempts", "sent at", "last error"), rows)
