"""Audience of a page: whom an update notifies, counted before it is published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, Q

from vigil.status.core.subscriber_terms import SubscriberState
from vigil.status.models import PageComponent, StatusPage
from vigil.status.subscriber_models import Subscriber


@dataclass(frozen=True, slots=True)
class Audience:
    """Confirmed subscribers by their kind, such as `{"email": 214}`."""

    by_kind: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())

    @property
    def words(self) -> str:
        """How a person reads it: 214 by email and 3 by webhook."""
        told = [f"{count:,} by {kind}" for kind, count in self.by_kind.items()]
        return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told) or "no subscriber"


def audience(page: StatusPage, components: Collection[PageComponent]) -> Audience:
    """Who is notified of an update about these components of a page; about the page as a whole where there are none."""
    rows = Subscriber.objects.filter(page=page, state=SubscriberState.CONFIRMED)
    if components:
        # The law of the fan-out (`letters.fan_out`).
        rows = rows.filter(Q(whole=True) | Q(components__in=components))
    counted = rows.values("kind").annotate(count=Count("pk", distinct=True)).order_by("kind")
    return Audience({one["kind"]: one["count"] for one in counted})


def audiences(pages: Collection[StatusPage]) -> Mapping[int, Audience]:
    """All confirmed subscribers of each page, by its key: one query."""
    rows = Subscriber.objects.filter(page__in=pages, state=SubscriberState.CONFIRMED)
    found: dict[int, dict[str, int]] = {}
    for page, kind, count in rows.values_list("page", "kind").annotate(Count("pk")).order_by("page", "kind"):
        found.setdefault(page, {})[kind] = count
    return {one.pk: Audience(found.get(one.pk, {})) for one in pages}
