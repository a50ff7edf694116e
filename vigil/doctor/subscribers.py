"""Findings about letters to subscribers of status pages: what waits, what was given up, and who cannot be mailed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min

from vigil.configuration import configuration
from vigil.doctor.findings import ExaminationContext, Finding, ago, note, problem, well
from vigil.status.core.subscriber_terms import LetterPurpose, SubscriberKind, SubscriberState
from vigil.status.letters.claims import NEWER
from vigil.status.subscriber_models import UNFINISHED, LetterCount, OutboxState, Subscriber, SubscriberLetter

#: A letter waits longer than this only when something is wrong, or very many are sent.
PROMPT = timedelta(minutes=1)
RECENT = timedelta(hours=24)


def letters(around: ExaminationContext) -> Iterator[Finding]:
    """Letters that nobody sends or accepts, and letters that were given up."""
    found = [*_without_server(), *_stuck(around), *_given_up(around)]
    yield from found or [well("No letter to a subscriber is overdue.")]


def _without_server() -> Iterator[Finding]:
    told = Subscriber.objects.filter(
        kind=SubscriberKind.EMAIL, state=SubscriberState.CONFIRMED, page__enabled=True
    ).exists()
    if told and configuration().email_url is None:
        yield problem("Subscribers are to be told by mail, and there is no mail server.", "Set VIGIL_EMAIL_URL.")


def _stuck(around: ExaminationContext) -> Iterator[Finding]:
    """Kinds of which letters are due, and none was accepted since. Receivers of posts are strangers': theirs alone."""
    due = SubscriberLetter.objects.filter(state__in=UNFINISHED, created_at__lt=around.now - PROMPT)
    if configuration().email_url is None:
        due = due.exclude(kind=SubscriberKind.EMAIL)
    accepted = dict(LetterCount.objects.values_list("kind", "sent_at"))
    for row in due.order_by().values("kind").annotate(since=Min("created_at"), letters=Count("pk")):
        last, kind = accepted.get(row["kind"]), row["kind"]
        waits_s = (around.now - max(row["since"], last or row["since"])).total_seconds()
        if waits_s <= PROMPT.total_seconds():
            continue
        refused = due.filter(kind=kind).exclude(last_error="").order_by("-pk").values_list("last_error", flat=True)
        why = refused.first()
        if why is None:
            yield problem(
                f"{row['letters']} letters to subscribers ({kind}) wait for {ago(waits_s)}, and no sender takes them.",
                "Start `manage.py run deliver`, or see its log.",
            )
        elif kind == SubscriberKind.EMAIL:
            yield problem(
                f"The mail server has accepted no letter to subscribers for {ago(waits_s)}, and"
                f" {row['letters']} wait: {why}",
                "Correct VIGIL_EMAIL_URL or its server; Vigil tries again by itself for 24 h.",
            )


def _given_up(around: ExaminationContext) -> Iterator[Finding]:
    dead = SubscriberLetter.objects.filter(
        state=OutboxState.DEAD, purpose=LetterPurpose.UPDATE, attempts__gt=0, created_at__gt=around.now - RECENT
    ).exclude(last_error=NEWER)
    rows = dead.order_by().values("subscriber__page", "subscriber__page__slug", "kind").annotate(letters=Count("pk"))
    for row in rows.order_by("-letters")[:20]:
        mine = dead.filter(subscriber__page=row["subscriber__page"], kind=row["kind"])
        why = mine.order_by("-pk").values_list("last_error", flat=True).first()
        yield note(
            f"Status page {row['subscriber__page__slug']}: {row['letters']} letters ({row['kind']}) were not delivered"
            f" in 24 h: {why}",
            "See its subscribers in Settings → Status pages; there they can be sent again.",
        )
