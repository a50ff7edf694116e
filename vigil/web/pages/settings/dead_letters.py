"""Dead letters: what loops could not apply, to replay after a fix or to discard."""

from __future__ import annotations

import redis
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from vigil.deadletters.actions import NotReplayable, discard, replay
from vigil.deadletters.models import DeadLetter, LetterState
from vigil.deadletters.replays import effect_of_replay
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.settings.sections import render_section, require_staff
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.marks import mark

PAGE_SIZE = 50
_MARKS = {
    LetterState.WAITING: mark(ShownState.DEGRADED, "Waiting"),
    LetterState.REPLAYED: mark(ShownState.UP, "Replayed"),
    LetterState.SETTLED: mark(ShownState.UP, "Settled"),
    LetterState.DISCARDED: mark(ShownState.PAUSED, "Discarded"),
}


@require_safe
@page
def dead_letters(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Letters newest first: those that wait, or with `all=1` in the address those of before too."""
    require_staff(reader)
    return _listed(request, reader)


@require_POST
@page
def change(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Replay a letter or discard it, then the list with what became of it."""
    require_staff(reader)
    reader.require_writer()
    letter = get_object_or_404(DeadLetter, public_id=public_id)
    if request.POST.get("do") == "discard":
        discarded = discard(DeadLetter.objects.filter(pk=letter.pk))
        return _listed(request, reader, "Discarded." if discarded else "It does not wait any more.")
    try:
        return _listed(request, reader, f"Done: this {replay(letter)}.")
    except NotReplayable as refused:
        return _listed(request, reader, f"It cannot be replayed: {refused}.")
    except redis.RedisError as away:
        return _listed(request, reader, f"Redis does not answer ({type(away).__name__}). The letter waits still.")


def _listed(request: HttpRequest, reader: PageReader, said: str = "") -> HttpResponse:
    every, before = bool(request.GET.get("all")), request.GET.get("before", "")
    found = DeadLetter.objects.all() if every else DeadLetter.objects.filter(state=LetterState.WAITING)
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    # Their bytes stay in the database: an entry may be large.
    rows = list(found.defer("payload").annotate(kept=Length("payload")).order_by("-pk")[: PAGE_SIZE + 1])
    address = reverse("settings-dead-letters")
    last = rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None
    shown = {
        "letters": [(one, _MARKS[LetterState(one.state)], _on_replay(one)) for one in rows[:PAGE_SIZE]],
        "waiting": DeadLetter.objects.filter(state=LetterState.WAITING).count(),
        "every": every,
        "older": f"{address}?{'all=1&' if every else ''}before={last}" if last else "",
        "said": said,
    }
    return render_section(request, reader, "dead-letters", "dead_letters.html", shown)


def _on_replay(letter: DeadLetter) -> str:
    kept = int(getattr(letter, "kept", 0))
    return effect_of_replay(letter.source, letter.step, letter.stream, kept, letter.size)
