"""Notices of canaries that have stopped for a month: one each, whoever tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from vigil.canaries.models import Canary
from vigil.canaries.reading import month_of
from vigil.canaries.rows import budget_of, limit_of, spec_of, why_stopped
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.models import StoredNotice
from vigil.notices.tell import EnqueueNotices, tell

_MOST = 500
_UNTIL = "It asks nothing more until next month, or until its budget is raised."


def tell_stops(rows: Iterable[Canary], now: datetime, enqueue: EnqueueNotices) -> list[StoredNotice]:
    """Tell each stop of the present month once, for each budget; returns the new notices. `rows` are watched."""
    found = {one.key: one for one in _notices(rows, month_of(now), now)}
    told = StoredNotice.objects.filter(kind=NoticeKind.CANARY_STOPPED, key__in=found).values_list("key", flat=True)
    new = sorted(found.keys() - set(told))[:_MOST]
    return tell([found[key] for key in new], enqueue) if new else []


def _notices(rows: Iterable[Canary], month: str, now: datetime) -> Iterator[Notice]:
    for row in rows:
        spec = spec_of(row.monitor)
        stopped = why_stopped(row, spec, month) if spec is not None else ""
        if spec is None or not stopped:
            continue
        is_priced = limit_of(spec) is not None
        yield Notice(
            team=row.monitor.team_id,
            kind=NoticeKind.CANARY_STOPPED,
            # A raised budget that is spent as well is news.
            key=f"{row.monitor.public_id}/{month}/{budget_of(spec) if is_priced else 'unpriced'}",
            title=f"{row.monitor.name[:100]} {stopped}",
            at=now,
            monitor=row.monitor_id,
            after=_UNTIL if is_priced else "It asks nothing more until it has both.",
        )
