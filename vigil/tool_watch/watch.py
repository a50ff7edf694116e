"""Look of the tool watch: what regions saw last, held against what is known, with a notice for each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from probes.wire import Result
from vigil.clock import database_now
from vigil.monitors.live.results import CHUNK, counted_results, instant
from vigil.monitors.models import Monitor
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.tell import EnqueueNotices, tell, told_lately
from vigil.tool_watch.core.drift import SETTLES, KnownTools, ToolDrift, before_and_after, decide, title_of
from vigil.tool_watch.core.seen_tools import SeenTool, SeenTools, admitted
from vigil.tool_watch.models import ToolList

KIND = "mcp"
#: A result older than two intervals and this tells nothing of now, nor does one of later than this.
_LATE = timedelta(minutes=5)
#: Notices of one monitor in a day: a server that changes its tools all the time is told no more often.
A_DAY_MOST = 10
#: When a list was last seen is written so often: a list may be of a thousand tools.
_SEEN_EVERY = timedelta(minutes=5)


def watch_tools(enqueue: EnqueueNotices, at: datetime | None = None) -> int:
    """Look at every monitor of an MCP server, now or as of `at`; returns how many changes were told. Idempotent."""
    now = at or database_now()
    monitors = Monitor.objects.filter(kind=KIND, deleted_at=None, paused=False).order_by("pk")
    told, last = 0, 0
    while chunk := list(monitors.filter(pk__gt=last).prefetch_related("regions")[:CHUNK]):
        last = chunk[-1].pk
        told += _look(chunk, now, enqueue)
    return told


def _look(monitors: Sequence[Monitor], now: datetime, enqueue: EnqueueNotices) -> int:
    slugs = {monitor.pk: [region.slug for region in monitor.regions.all()] for monitor in monitors}
    regions = sorted({slug for each in slugs.values() for slug in each})
    found = counted_results([monitor.public_id for monitor in monitors], regions)
    if not found.available:
        return 0
    kept = ToolList.objects.in_bulk([monitor.pk for monitor in monitors])
    changed, seen, notices = list[ToolList](), list[int](), list[Notice]()
    for monitor in monitors:
        own = {slug: result for slug, result in found.of(monitor.public_id).items() if slug in slugs[monitor.pk]}
        row = kept.get(monitor.pk)
        known = known_of(row) if row is not None else None
        settles = SETTLES + timedelta(seconds=monitor.interval_s)
        decision = decide(known, _target(monitor), _fresh(monitor, own, now), now, settles)
        if decision.drift is not None:
            if told_lately(NoticeKind.TOOLS_CHANGED, now, monitor=monitor.pk) >= A_DAY_MOST:
                continue
            notices.append(_notice(monitor, decision.drift, now))
        if decision.known is None or decision.known == known:
            continue
        if known is None or replace(known, seen_at=decision.known.seen_at) != decision.known:
            changed.append(_row(monitor, decision.known))
        elif decision.known.seen_at - known.seen_at >= _SEEN_EVERY:
            seen.append(monitor.pk)
    with transaction.atomic():
        _store(changed)
        ToolList.objects.filter(pk__in=seen).update(seen_at=now)
        return len(tell(notices, enqueue))


def _store(rows: Sequence[ToolList]) -> None:
    fields = [field.name for field in ToolList._meta.concrete_fields if not field.primary_key]
    if rows:
        ToolList.objects.bulk_create(rows, update_conflicts=True, unique_fields=["monitor"], update_fields=fields)


def _fresh(monitor: Monitor, results: dict[str, Result], now: datetime) -> dict[str, SeenTools]:
    """What regions saw of the monitor as it is set now, not too long ago."""
    oldest = now - 2 * timedelta(seconds=monitor.interval_s) - _LATE
    found = {
        region: admitted(result.facts)
        for region, result in results.items()
        if result.revision in (0, monitor.revision) and oldest <= instant(result.started_ms) <= now + _LATE
    }
    return {region: seen for region, seen in found.items() if seen is not None}


def _target(monitor: Monitor) -> str:
    config: Any = monitor.config
    return str(config.get("url", ""))[:2048] if isinstance(config, dict) else ""


def _notice(monitor: Monitor, drift: ToolDrift, now: datetime) -> Notice:
    before, after = before_and_after(drift)
    # The same change back and forth is told again the next day.
    key = f"{monitor.public_id}/{drift.before.fingerprint}/{drift.after.fingerprint}/{now:%Y-%m-%d}"
    return Notice(
        monitor.team_id, NoticeKind.TOOLS_CHANGED, key, title_of(monitor.name, drift), now, monitor.pk, before, after
    )


def known_of(row: ToolList) -> KnownTools:
    """What a row says."""
    tools = None if row.tools is None else tuple(SeenTool(*each) for each in row.tools)
    seen = SeenTools(row.fingerprint, row.count, tools, row.instructions, row.server, row.version)
    return KnownTools(row.target, seen, row.seen_at, row.changed_at, row.candidate, row.candidate_since)


def _row(monitor: Monitor, known: KnownTools) -> ToolList:
    seen = known.seen
    return ToolList(
        monitor=monitor,
        target=known.target,
        fingerprint=seen.fingerprint,
        count=seen.count,
        tools=None if seen.tools is None else [[tool.name, tool.words, tool.schema] for tool in seen.tools],
        instructions=seen.instructions,
        server=seen.server,
        version=seen.version,
        seen_at=known.seen_at,
        changed_at=known.changed_at,
        candidate=known.candidate,
        candidate_since=known.candidate_since,
    )
