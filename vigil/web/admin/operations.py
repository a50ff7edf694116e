"""Admin of operations: status feeds, self-tests and dead letters."""

from __future__ import annotations

import redis
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.alerts.models import SelfTest
from vigil.deadletters.actions import NotReplayable, discard, replay
from vigil.deadletters.models import DeadLetter, DeadLetterCount
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.models import Feed
from vigil.feeds.witnesses import state_in_words, switch
from vigil.web.admin.lists.pages import BoundedListAdmin
from vigil.web.admin.pieces import ReadOnlyAdmin, table

_SHOWN_BYTES = 2_000


@admin.register(Feed)
class FeedAdmin(BoundedListAdmin):
    """Every known feed; the witness process reads the enabled ones."""

    list_display = ("provider", "enabled", "state", "address")
    fields = ("provider", "address", "url", "state", "format", "posts_now")
    readonly_fields = ("provider", "address", "state", "format", "posts_now")
    list_filter = ("enabled",)
    search_fields = ("provider",)
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
    list_display = ("begun_at", "ended_at", "result", "team")
    list_filter = ("passed", "team")
    fields = ("team", "incident", "begun_at", "ended_at", "result", "proof")
    readonly_fields = ("result", "proof")
    list_select_related = ("team",)
    search_fields = ("team__name", "=incident__public_id")

    @admin.display(description="result", ordering="passed")
    def result(self, test: SelfTest) -> str:
        return {True: "passed", False: "failed"}.get(test.passed, "runs")  # type: ignore[arg-type]

    @admin.display(description="proof")
    def proof(self, test: SelfTest) -> str:
        deliveries = test.incident.deliveries.select_related("channel").order_by("pk")
        rows = [
            (one.channel, one.event, one.state, one.attempts, one.sent_at or "", one.last_error) for one in deliveries
        ]
        return table(("channel", "event", "state", "attempts", "sent at", "last error"), rows)


class SourceFilter(admin.SimpleListFilter):
    """Processes that have written letters, of which there are few."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(one, one) for one in DeadLetterCount.objects.order_by("pk").values_list("pk", flat=True)[:100]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        return queryset.filter(source=self.value()) if self.value() else queryset


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ("source", "step", "origin", "state", "count", "first_at", "last_at")
    list_filter = ("state", SourceFilter)
    search_fields = ("=public_id", "origin", "error", "=step")
    ordering = ("-last_at", "-id")
    fields = (
        "public_id", "source", "step", "origin", "state", "count", "first_at", "last_at", "ended_at", "error", "stream",
        "entry", "size", "beginning", "on_replay",
    )  # fmt: skip
    readonly_fields = ("beginning", "on_replay")
    actions = ("replay", "discard")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        return super().get_queryset(request).defer("payload")

    @admin.display(description="its bytes")
    def beginning(self, letter: DeadLetter) -> str:
        shown = bytes(letter.payload)[:_SHOWN_BYTES]
        return repr(shown)[2:-1] + (" ..." if letter.size > len(shown) else "")

    @admin.display(description="a replay")
    def on_replay(self, letter: DeadLetter) -> str:
        return letter.on_replay

    @admin.action(description="Replay: give the entries back, where that is of use", permissions=["close"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        done = 0
        for letter in queryset:
            try:
                replay(letter)
                done += 1
            except NotReplayable as refused:
                messages.warning(request, f"{letter} was not replayed: {refused}.")
            except redis.RedisError as away:
                messages.error(request, f"Redis does not answer: {type(away).__name__}.")
                break
        messages.info(request, f"{done} replayed.")

    @admin.action(description="Discard: close them without a replay", permissions=["close"])
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        messages.info(request, f"{discard(queryset)} discarded.")

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("deadletters.change_deadletter")
