"""Notices of regions that a provider or a network keeps out: one a day for each, whoever tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from vigil.access.core.region_access import KEPT_OUT, KEPT_OUT_WORDS, Access
from vigil.access.models import RegionAccess
from vigil.clock import database_now
from vigil.monitors.core.providers import name_of
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.models import StoredNotice
from vigil.notices.tell import EnqueueNotices, tell

ROWS_MOST = 500


def tell_kept_out(enqueue: EnqueueNotices) -> list[StoredNotice]:
    """Tell each region that is kept out, once for the day on which it began; returns the new notices."""
    rows = list(RegionAccess.objects.filter(access__in=[one.value for one in KEPT_OUT]).order_by("-since")[:ROWS_MOST])
    if not rows:
        return []
    keys = {(row.team_id, _key(row)): row for row in rows}
    told = StoredNotice.objects.filter(kind=NoticeKind.REGION_KEPT_OUT, key__in=[key for _, key in keys])
    known = set(told.values_list("team_id", "key"))
    return tell(_notices((row for key, row in keys.items() if key not in known), database_now()), enqueue)


def _notices(rows: Iterable[RegionAccess], now: datetime) -> Iterator[Notice]:
    for row in rows:
        who = name_of(row.provider) or row.host
        yield Notice(
            team=row.team_id,
            kind=NoticeKind.REGION_KEPT_OUT,
            key=_key(row),
            title=f"{who} {KEPT_OUT_WORDS[Access(row.access)]} {row.region}",
            at=now,
            after=f"{row.host}: {row.evidence}" if row.evidence else row.host,
        )


def _key(row: RegionAccess) -> str:
    place = f"{row.provider}/{row.host}"[:120]
    return f"{place}/{row.region}/{row.access}/{row.since:%Y-%m-%d}"
