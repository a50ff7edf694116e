"""Overview of a page's subscribers for its team: counts, what became of the last updates, and rows by address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet

from vigil.accounts.sealed import SealedValueUnreadable
from vigil.status.core.subscriber_terms import KIND_WORDS, LetterPurpose, SubscriberKind, SubscriberState
from vigil.status.models import PublicUpdate, StatusPage
from vigil.status.subscriber_models import OutboxState, Subscriber
from vigil.status.subscribers.addresses import address_in_one_spelling, fingerprint_of
from vigil.status.subscribers.resending import resendable_of

#: Subscribers that are shown, and updates.
SHOWN, UPDATES = 100, 5


@dataclass(frozen=True, slots=True)
class ShownSubscriber:
    """One row; its address is empty where no key opens it."""

    row: Subscriber
    address: str
    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class ToldCounts:
    """What became of the letters of an update, and how many of those that were given up can be sent again."""

    update: PublicUpdate
    sent: int
    waiting: int
    dead: int
    again: int


def counts_of(page: StatusPage) -> dict[str, int]:
    """Subscribers by state, and confirmed ones by kind."""
    counts = {state.value: Count("pk", filter=Q(state=state)) for state in SubscriberState}
    counts |= {kind.value: Count("pk", filter=Q(state=SubscriberState.CONFIRMED, kind=kind)) for kind in SubscriberKind}
    return dict(Subscriber.objects.filter(page=page).aggregate(**counts))


def last_told(page: StatusPage) -> list[ToldCounts]:
    """The newest updates with subscribers, and what became of their letters."""
    of_updates = Q(letters__purpose=LetterPurpose.UPDATE)
    told_of = PublicUpdate.objects.filter(incident__page=page, told_at__isnull=False).order_by("-told_at", "-pk")
    # Chosen before they are counted: else the letters of all updates of the page are.
    newest = list(told_of.values_list("pk", flat=True)[:UPDATES])
    rows = (
        PublicUpdate.objects.filter(pk__in=newest)
        .select_related("incident")
        .annotate(
            sent=Count("letters", filter=of_updates & Q(letters__state=OutboxState.SENT)),
            dead=Count("letters", filter=of_updates & Q(letters__state=OutboxState.DEAD)),
            every=Count("letters", filter=of_updates),
        )
        .order_by("-told_at", "-pk")
    )
    told = [one for one in rows if one.every]
    again = resendable_of(told)
    return [ToldCounts(one, one.sent, one.every - one.sent - one.dead, one.dead, again.get(one.pk, 0)) for one in told]


def subscribers_of(page: StatusPage, address: str = "") -> QuerySet[Subscriber]:
    """Subscribers, the newest first; with an address the one who has it, in whole, since addresses are sealed."""
    rows = Subscriber.objects.filter(page=page).prefetch_related("components").order_by("-pk")
    if not address:
        return rows
    prints = []
    for kind in SubscriberKind:
        try:
            prints.append(fingerprint_of(kind, address_in_one_spelling(kind, address)))
        except ValidationError:
            continue
    return rows.filter(fingerprint__in=prints)


def shown(rows: QuerySet[Subscriber]) -> Iterator[ShownSubscriber]:
    """Rows as people read them."""
    for row in rows:
        names = ", ".join(one.name for one in row.components.all())
        yield ShownSubscriber(
            row, _address(row), KIND_WORDS[SubscriberKind(row.kind)], "all of it" if row.whole else names or "the page"
        )


def _address(row: Subscriber) -> str:
    try:
        return row.address
    except SealedValueUnreadable:
        return ""
