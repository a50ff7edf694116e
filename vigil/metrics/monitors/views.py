"""The pages `/metrics/monitors` and `/probe`: monitors as blackbox_exporter names them, from stored results."""

from __future__ import annotations

import gzip
import re

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vigil.metrics.access import reader_of
from vigil.metrics.core.probe_query import BadQuery, debug_text, parse_query, probe_text
from vigil.metrics.core.text import CONTENT_TYPE
from vigil.metrics.monitors.read import MonitorPart, RedisAway, TooManyMonitors, found, monitors_text, results_of
from vigil.monitors.live.results import MAX_MONITORS
from vigil.status.core.content_codings import accepted_codings

_PART = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")
#: Smaller answers are not worth the work.
_GZIP_FROM = 10_000


@never_cache
@require_safe
def monitors(request: HttpRequest) -> HttpResponse:
    """Every monitor of a token's team, or of all for a program of this machine; `?part=1/4` tells of a fourth."""
    reader = reader_of(request)
    if isinstance(reader, HttpResponse):
        return reader
    part = _PART.fullmatch(request.GET.get("part", "1/1"))
    if part is None or int(part[1]) > int(part[2]):
        return _plain("Give ?part= as 1/4 to 4/4, or not at all.", 400)
    try:
        text = monitors_text(reader, MonitorPart(int(part[1]), int(part[2])))
    except TooManyMonitors:
        return _plain(f"These are more than {MAX_MONITORS} monitors: scrape them in parts, by ?part=1/4 to 4/4.", 400)
    except DatabaseError:
        return _plain("PostgreSQL is away.", 503)
    except RedisAway:
        return _plain("Redis is away.", 503)
    return _metrics(text, request.headers.get("Accept-Encoding", ""))


@never_cache
@require_safe
def probe(request: HttpRequest) -> HttpResponse:
    """One stored monitor, as a module of blackbox_exporter would tell of it; nothing is asked of the target."""
    reader = reader_of(request)
    if isinstance(reader, HttpResponse):
        return reader
    try:
        query = parse_query(request.GET.dict())
        matching = found(reader, query)
        if len(matching) != 1:
            return _no_target(len(matching))
        results = results_of(matching[0], [query.region] if query.region else [])
    except BadQuery as problem:
        return _plain(str(problem), 400)
    except DatabaseError:
        return _plain("PostgreSQL is away.", 503)
    except RedisAway:
        return _plain("Redis is away.", 503)
    if query.is_debug:
        return _plain(debug_text(matching[0], results, query.region).decode(), 200)
    return _metrics(probe_text(matching[0], results, query.region), request.headers.get("Accept-Encoding", ""))


def _no_target(matching: int) -> HttpResponse:
    if matching:
        return _plain("Several monitors have this target: give the id of one, mon_...", 400)
    return _plain("No monitor has this target. Only stored monitors are told of: add it first.", 404)


def _metrics(text: bytes, accepts: str) -> HttpResponse:
    is_packed = len(text) > _GZIP_FROM and "gzip" in accepted_codings(accepts)
    answer = HttpResponse(gzip.compress(text, 1) if is_packed else text, content_type=CONTENT_TYPE)
    answer["Vary"] = "Accept-Encoding"
    if is_packed:
        answer["Content-Encoding"] = "gzip"
    return answer


def _plain(words: str, status: int) -> HttpResponse:
    return HttpResponse(words + "\n", content_type="text/plain; charset=utf-8", status=status)
