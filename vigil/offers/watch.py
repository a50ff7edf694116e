"""Watch of offers: takes them from the last results, keeps them, and tells what changed.

A check tells its offers with every result, so one that is lost costs nothing: the next has them again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from probes.ai.offers.forms import FORMS, tells_offers
from probes.ai.offers.offer import Offer, offers_of
from probes.process.isolation import Each, plainly
from probes.reasons import Status
from probes.wire import Result
from vigil.clock import database_now
from vigil.monitors.core.named_models import named_models
from vigil.monitors.live.results import Latest, counted_results, instant
from vigil.monitors.models import Monitor
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.tell import EnqueueNotices, tell, told_lately
from vigil.offers.core.change import OfferChange, OfferDecision, decide, key_of, listed, title_of
from vigil.offers.core.series import extended
from vigil.offers.models import MonitorOffers, restored, stored

MONITORS_MOST = 500
#: How often the monitors with such an address are looked up if none is new: their table may be large (s).
LOOKED_UP_S = 300.0
#: A region is followed until it has missed so many intervals: pages differ between places.
FOLLOWED_INTERVALS = 3
#: Notices of one monitor in a day: a gateway that changes its prices all the time is told no more often.
A_DAY_MOST = 10
#: Clocks differ; what is further ahead would hide every later read.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ReadOffers:
    """Offers that a region read at a time."""

    region: str
    at: datetime
    offers: list[Offer]
    #: What other regions read at about that time.
    others: tuple[list[Offer], ...] = ()


class OfferWatch:
    """One watch; it remembers which monitors it looks at. Not thread-safe."""

    def __init__(self, each: Each = plainly) -> None:
        #: A monitor that fails by itself stops no other.
        self._each = each
        self._keys: list[int] = []
        self._newest_key: int | None = None
        self._looked_up_s = -LOOKED_UP_S

    def turn(self, enqueue: EnqueueNotices) -> int:
        """Keep what is new, and tell what changed; returns the number of monitors with something new."""
        newest_key = Monitor.objects.order_by("-pk").values_list("pk", flat=True).first()
        if newest_key != self._newest_key or time.monotonic() - self._looked_up_s >= LOOKED_UP_S:
            self._keys, self._newest_key = _watched(), newest_key
            self._looked_up_s = time.monotonic()
        if not self._keys:
            return 0
        found = Monitor.objects.filter(pk__in=self._keys, deleted_at=None, paused=False).prefetch_related("regions")
        monitors = [one for one in found if _tells(one)]
        regions = sorted({region.slug for one in monitors for region in one.regions.all()})
        latest = counted_results([one.public_id for one in monitors], regions)
        now = database_now()
        by_id = {one.public_id: one for one in monitors}
        return sum(
            self._each("offers", by_id, lambda id: keep(by_id[id], _own(by_id[id], latest), now, enqueue), False)
        )


def keep(monitor: Monitor, results: Mapping[str, Result], now: datetime, enqueue: EnqueueNotices) -> bool:
    """Keep the newest offers of a monitor's results and tell what changed; False where there is nothing new."""
    with transaction.atomic():
        row = MonitorOffers.objects.select_for_update(of=("self",)).filter(monitor=monitor).first()
        read = newest(monitor, results, row, now)
        if read is None:
            return False
        model = next(iter(named_models(monitor.config)), monitor.name)[:200]
        if row is None or row.revision != monitor.revision or row.model != model:
            row = MonitorOffers(monitor=monitor, revision=monitor.revision, model=model)
        told = restored(row.told)
        decision = decide(told, restored(row.last), read.offers, read.others)
        if decision.changes and told_lately(NoticeKind.OFFERS_CHANGED, now, monitor=monitor.pk) >= A_DAY_MOST:
            decision = OfferDecision((), tuple(told))
        if decision.changes:
            tell([notice_of(monitor, model, decision.changes, read.at)], enqueue)
        row.told, row.last = stored(list(decision.told)), stored(read.offers)
        row.region, row.read_at = read.region, read.at
        row.series = extended(row.series, int(read.at.timestamp()), read.offers)
        row.save()
    return True


def newest(
    monitor: Monitor, results: Mapping[str, Result], row: MonitorOffers | None, now: datetime
) -> ReadOffers | None:
    """The newest offers not kept yet, of the region that is followed while it tells any. None of the future."""
    found = []
    for region, result in results.items():
        offers = offers_of(result.facts) if result.status is not Status.UNKNOWN else []
        at = instant(result.started_ms)
        if offers and result.revision in (0, monitor.revision) and at <= now + AHEAD:
            # A clock ahead makes no read newer than those to come.
            found.append(ReadOffers(region, min(at, now), offers))
    if not found:
        return None
    latest = max(found, key=lambda one: (one.at, one.region))
    patience = timedelta(seconds=FOLLOWED_INTERVALS * monitor.interval_s)
    fresh = [one for one in found if latest.at - one.at <= patience]
    if row is not None:
        followed = next((one for one in found if one.region == row.region), None)
        if followed is not None and latest.at - followed.at <= patience:
            latest = followed
        if latest.at <= row.read_at and row.revision == monitor.revision:
            return None
    return replace(latest, others=tuple(one.offers for one in fresh if one.region != latest.region))


def notice_of(monitor: Monitor, model: str, changes: Sequence[OfferChange], at: datetime) -> Notice:
    """A notice of the changes of one read."""
    return Notice(
        team=monitor.team_id,
        kind=NoticeKind.OFFERS_CHANGED,
        key=key_of(monitor.public_id, changes, f"{at:%Y-%m-%d}"),
        title=title_of(model, changes),
        at=at,
        monitor=monitor.pk,
        before=listed(changes, "before"),
        after=listed(changes, "after"),
    )


def _own(monitor: Monitor, latest: Latest) -> Mapping[str, Result]:
    """The newest results of its own regions: another one may write of any monitor, and has no say."""
    own = {region.slug for region in monitor.regions.all()}
    return {region: one for region, one in latest.of(monitor.public_id).items() if region in own}


def _watched() -> list[int]:
    found = Monitor.objects.filter(deleted_at=None, paused=False, kind="http", config__provider__in=list(FORMS))
    rows = found.order_by("pk").values_list("pk", "config__provider", "config__url")
    return [key for key, provider, url in rows if tells_offers(str(provider), str(url))][:MONITORS_MOST]


def _tells(monitor: Monitor) -> bool:
    return tells_offers(str(monitor.config.get("provider", "")), str(monitor.config.get("url", "")))
