"""Page of a monitor's stored results, the newest first: filtered by status and region, and bounded in what it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from probes.reasons import Status
from vigil.history.reading.walk import Place, WalkedCheck, hours_of_part, newest_first
from vigil.monitors.models import Monitor, Region
from vigil.read_models.core.chart_ranges import CHECKS_KEPT_MS
from vigil.read_models.region_shapes import seen_as

PAGE = 50
#: Checks looked through for one page: a filter that few match leads on to older ones.
LOOKED_THROUGH_MOST = 20_000
_CURSOR = re.compile(r"(\d{1,15})\.(\d{1,9})\.(\d{1,5})")


@dataclass(frozen=True, slots=True)
class ResultsQuery:
    """What is asked for: a status, a region, and the place of the last row of the page before."""

    status: Status | None = None
    region: str = ""
    after: Place | None = None
    #: The newest moment in ms, such as a point of the chart.
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StoredResults:
    """Rows with their region; `after` is the cursor of the next page, or empty. `looked_to` is the oldest one read."""

    rows: Sequence[tuple[str, WalkedCheck]]
    after: str
    looked_to_ms: int | None


def parse_results(parameters: Mapping[str, str]) -> ResultsQuery:
    """A query from an address; what is no status, region or cursor is left out."""
    status = parameters.get("status", "")
    cursor = _CURSOR.fullmatch(parameters.get("after", ""))
    place = (int(cursor[1]), int(cursor[2]), int(cursor[3])) if cursor else None
    at = parameters.get("at", "")
    until = int(at) * 1000 if at.isdecimal() and len(at) <= 11 else None
    known = Status(status) if status in set(Status) else None
    return ResultsQuery(known, parameters.get("region", "")[:40], place, until)


def read_results(monitor: Monitor, query: ResultsQuery, now: datetime) -> StoredResults:
    """Read one page."""
    slugs = dict(Region.objects.values_list("pk", "slug"))
    regions = [key for key, slug in slugs.items() if query.region in ("", slug)]
    end_ms = int(now.timestamp() * 1000) + 1
    window = (end_ms - CHECKS_KEPT_MS, min(end_ms, query.until_ms) if query.until_ms else end_ms)
    part_hours = hours_of_part(len(regions), monitor.interval_s)
    walked = islice(newest_first(monitor.pk, regions, window, part_hours, query.after), LOOKED_THROUGH_MOST)
    rows: list[tuple[str, WalkedCheck]] = []
    last, seen = None, 0
    for one in walked:
        last, seen = one, seen + 1
        if query.status is None or seen_as(one.check.status, one.check.reason) == query.status.value:
            rows.append((slugs[one.region], one))
            if len(rows) == PAGE:
                break
    more = last is not None and (len(rows) == PAGE or seen == LOOKED_THROUGH_MOST)
    after = ".".join(map(str, last.place)) if last is not None and more else ""
    return StoredResults(rows, after, last.check.at_ms if last else None)
