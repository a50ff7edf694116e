"""Telling of notices: stores what is new, with its deliveries, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from vigil.monitors.live.version import touch
from vigil.notices.core.notice import Notice, NoticeKind, admitted
from vigil.notices.models import ForgottenNotices, StoredNotice

#: Notices of one call; a caller with more has decided something wrong.
MOST = 1000
#: How long a notice is kept.
KEPT = timedelta(days=400)
#: Notices that are deleted at once.
FORGOTTEN_MOST = 5_000

#: Writes the deliveries of new notices. Injected, since `notices` lies below `alerts`: production passes
#: `vigil.alerts.notice_outbox.enqueue_notices`.
EnqueueNotices = Callable[[Sequence[StoredNotice]], object]

_log = structlog.get_logger(__name__)


def tell(notices: Iterable[Notice], enqueue: EnqueueNotices) -> list[StoredNotice]:
    """Store the notices that were not told before, with their deliveries; returns those. Idempotent.

    The same team, kind and key is told once, whoever tells it. Raises ValueError for more than `MOST`.
    """
    wanted = {one.identity: one for one in map(admitted, notices)}
    if not wanted:
        return []
    if len(wanted) > MOST:
        raise ValueError(f"{len(wanted)} notices at once; at most {MOST}")
    rows = [_row(one) for one in wanted.values()]
    with transaction.atomic():
        StoredNotice.objects.bulk_create(rows, ignore_conflicts=True)
        mine = StoredNotice.objects.filter(public_id__in=[row.public_id for row in rows])
        new = list(mine.select_related("monitor").order_by("pk"))
        for row in new:
            row.others = wanted[row.team_id, row.kind, row.key].others
        if new:
            enqueue(new)
        for team in {row.team_id for row in new}:
            touch(team)
    for row in new:
        _log.info("notice.told", notice=row.public_id, kind=row.kind, key=row.key)
    return new


def told_lately(kind: NoticeKind, now: datetime, *, team: int | None = None, monitor: int | None = None) -> int:
    """Notices of a kind that a team, or a monitor, was told in a day: what a liar makes up is told so often at most."""
    told = StoredNotice.objects.filter(kind=kind, at__gt=now - timedelta(days=1))
    told = told.filter(team=team) if team is not None else told
    return (told.filter(monitor=monitor) if monitor is not None else told).count()


def forget(now: datetime) -> int:
    """Delete notices that were told long ago, with their deliveries; returns how many."""
    with transaction.atomic():
        old = StoredNotice.objects.filter(created_at__lt=now - KEPT).select_for_update(skip_locked=True)
        kinds = dict(old.order_by("pk").values_list("pk", "kind")[:FORGOTTEN_MOST])
        for kind, count in Counter(kinds.values()).items():
            ForgottenNotices.objects.get_or_create(kind=kind)
            ForgottenNotices.objects.filter(kind=kind).update(count=F("count") + count)
        if kinds:
            StoredNotice.objects.filter(pk__in=kinds).delete()
    return len(kinds)


def _row(notice: Notice) -> StoredNotice:
    return StoredNotice(
        team_id=notice.team,
        kind=notice.kind.value,
        key=notice.key,
        monitor_id=notice.monitor,
        title=notice.title,
        before=notice.before,
        after=notice.after,
        at=notice.at,
    )
