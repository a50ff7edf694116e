"""Address for Alertmanager's webhook: `/external/alertmanager/<ping key of a team>`."""

from __future__ import annotations

import math
import threading
import time

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from vigil.alerts.outbox import enqueue
from vigil.clock import database_wall_now
from vigil.configuration import configuration
from vigil.external.core.alertmanager import BadReport, read_body
from vigil.external.take import ReportOutcome, take
from vigil.heartbeats.core.rate_limit import Rates
from vigil.heartbeats.models import TeamPings

_log = structlog.get_logger(__name__)
_rates, _lock = Rates(), threading.Lock()


@csrf_exempt
@never_cache
@require_POST
def alertmanager(request: HttpRequest, key: str) -> HttpResponse:
    """Take one group. 4xx for what Alertmanager need not send again, 503 for what it should.

    Its webhook sends again after 5xx alone; what is refused by 429 waits for the group's next interval.
    """
    try:
        team = TeamPings.objects.filter(key=key).values_list("team_id", flat=True).first()
    except DatabaseError as problem:
        return _away(problem)
    if team is None:
        return _plain("No team has this address: it holds the team's ping key.", 404)
    with _lock:
        wait_s = _rates.admit(key, time.monotonic())
    if wait_s:
        answer = _plain("Too many reports: group more alerts into one.", 503)
        answer["Retry-After"] = str(math.ceil(wait_s))
        return answer
    try:
        own = f"{configuration().base_url}/incidents/"
        outcome = take(team, read_body(request.body, database_wall_now(), own), enqueue)
    except RequestDataTooBig:
        return _plain("A report has 1 MB at most: set max_alerts of the webhook.", 413)
    except BadReport as problem:
        return _plain(str(problem), 400)
    except DatabaseError as problem:
        return _away(problem)
    _log.info("external.taken", outcome=outcome.value)
    if outcome is ReportOutcome.TOO_MANY:
        return _plain("The team has too many open external incidents: group more alerts into one.", 503)
    return _plain(outcome.value, 200)


def _away(problem: DatabaseError) -> HttpResponse:
    _log.warning("postgresql.away", wanted="report", error=type(problem).__name__)
    return _plain("PostgreSQL is away.", 503)


def _plain(words: str, status: int) -> HttpResponse:
    return HttpResponse(words + "\n", content_type="text/plain; charset=utf-8", status=status)
