"""Admin of dead letters: what loops could not apply, with two actions."""

from __future__ import annotations

import redis
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.deadletters.actions import NotReplayable, discard, replay
from vigil.deadletters.models import DeadLetter
from vigil.web.admin.pieces import ReadOnlyAdmin

_SHOWN_BYTES = 2_000


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ("source", "step", "origin", "state", "count", "first_at", "last_at")
    list_filter = ("state", "source", "step")
    search_fields = ("public_id", "origin", "error")
    fields = (
        "public_id", "source", "step", "origin", "state", "count", "first_at", "last_at", "ended_at", "error", "stream",
        "entry", "size", "beginning",
    )  # fmt: skip
    readonly_fields = ("beginning",)
    actions = ("replay", "discard")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        return super().get_queryset(request).defer("payload")

    @admin.display(description="its bytes")
    def beginning(self, letter: DeadLetter) -> str:
        shown = bytes(letter.payload)[:_SHOWN_BYTES]
        return repr(shown)[2:-1] + (" ..." if letter.size > len(shown) else "")

    @admin.action(description="Replay: give the entries back to their streams")
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

    @admin.action(description="Discard: close them without a replay")
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        messages.info(request, f"{discard(queryset)} discarded.")
