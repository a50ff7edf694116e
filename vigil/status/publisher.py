"""Publisher of status pages: a thread of the web process that makes a page anew within two seconds of a change.

Each web process has its own: a page needs no other machine to be served. Two of them make the same bytes of the same
facts, so none needs a lease.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from django.db import connection

from probes.process.health import Health
from probes.process.main_loop import LastingThread, turn_until_stopped
from vigil.away import is_postgresql
from vigil.clock import database_now
from vigil.deadletters.record import LetterSource, isolation
from vigil.monitors.live.version import minute_of, version
from vigil.status.core.document import PublishedPage, project
from vigil.status.core.facts import PageFrame
from vigil.status.models import StatusPage
from vigil.status.published import PublishedPages
from vigil.status.reading import read_facts

log = structlog.get_logger()

#: Seconds between two turns; a page is looked through without a sign of change once a minute, and this often while
#: Redis, which carries the signs, is away.
TURN_S, WITHOUT_SIGNS_S = 1.0, 10
_STOP_S = 5.0

Frame = Callable[[str], PageFrame]


class PagePublisher:
    """Makes pages anew whose mark has changed: the revision of their rows, and the live version of their team."""

    def __init__(self, pages: PublishedPages, frame: Frame) -> None:
        self._pages = pages
        self._frame = frame
        self._marks: dict[str, str] = {}
        self._stop = threading.Event()
        self._isolation = isolation(LetterSource.STATUS_PAGES)
        self._thread = LastingThread("status-pages", self._run)

    def start(self) -> None:
        """Serve what the last process left, and begin."""
        self._pages.load()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(_STOP_S)

    def keep_alive(self) -> bool:
        """Whether it runs; starts it again where it has ended."""
        return self._thread.keep_alive()

    def turn(self) -> int:
        """Publish what has changed; returns how many pages that were."""
        wanted = list(StatusPage.objects.filter(enabled=True).select_related("team"))
        self._pages.keep_only([one.public_id for one in wanted])
        if not wanted:
            return 0
        now = database_now()
        marks = {team: _sign(team, now) for team in {one.team_id for one in wanted}}
        made = 0
        for page in wanted:
            # Read before the facts: a change between the two is a mark that differs at the next turn.
            mark = f"{page.revision}/{marks[page.team_id]}"
            if self._marks.get(page.public_id) == mark:
                continue
            if self._isolation.attempt("project", partial(self._publish, page, now), None, page.public_id) is not None:
                self._marks[page.public_id] = mark
                made += 1
        return made

    def _publish(self, page: StatusPage, now: datetime) -> PublishedPage:
        before = self._pages.of_id(page.public_id)
        made = project(read_facts(page, now), self._frame(page.slug), before)
        self._pages.publish(made)
        return made

    def _run(self) -> None:
        health = Health("status-pages", stale_after_s=60)
        try:
            turn_until_stopped(self._turn_and_wait, self._stop, self._isolation, health, _recover)
        finally:
            connection.close()

    def _turn_and_wait(self) -> None:
        made = self.turn()
        if made:
            log.info("status_pages.published", pages=made)
        self._stop.wait(TURN_S)


def _sign(team: int, now: datetime) -> str:
    """What changes with everything that pages of a team show, and with each minute."""
    found = version(team, now)
    return found if found is not None else f"{minute_of(now)}.{now.second // WITHOUT_SIGNS_S}"


def _recover(error: Exception) -> bool:
    if is_postgresql(error):
        connection.close()
    return False
