"""Publisher of status pages: a thread of the web process that makes a page anew within two seconds of a change.

Each web process has its own: a page needs no other machine to be served. Two of them make the same bytes of the same
facts, so none needs a lease.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import structlog
from django.db import OperationalError, connection

from probes.process.health import Health
from probes.process.main_loop import LastingThread, turn_until_stopped
from vigil.away import is_postgresql
from vigil.clock import database_now
from vigil.deadletters.record import LetterSource, isolation
from vigil.monitors.live.version import minute_of, versions
from vigil.status.core.document import PublishedPage, project
from vigil.status.core.facts import PageFrame
from vigil.status.models import StatusPage
from vigil.status.public_incidents.due import DuePublications
from vigil.status.published import PublishedPages
from vigil.status.reading import PageYears, read_facts

log = structlog.get_logger()

#: Seconds between two turns; a page is looked through without a sign of change once a minute, and this often while
#: Redis, which carries the signs, is away.
TURN_S, WITHOUT_SIGNS_S = 1.0, 10
_STOP_S = 5.0

#: A page whose rows are the same is made anew no more often than this, nor for more than a part of the time that it
#: takes: teams with many changes a second do not hold up the pages of others.
SPACED_S, SPACED_TIMES = 1.0, 10
#: How long a turn begins to read years anew (s).
YEARS_S = 0.5
_CANCELLED = "57014"

Frame = Callable[[StatusPage], PageFrame]


class PageTooSlowError(Exception):
    """PostgreSQL cancelled a statement of one page: a failure of that page, and no outage."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What a page was last made of, and when changes of its team's monitors may make it anew (monotonic s)."""

    revision: int
    sign: str
    again_s: float


class PagePublisher:
    """Makes pages anew whose mark has changed: the revision of their rows, and the live version of their team."""

    def __init__(self, pages: PublishedPages, frame: Frame) -> None:
        self._pages = pages
        self._frame = frame
        #: Whether it knows the pages: it has found some on the disk, or has made them.
        self.knows_pages = False
        self._made: dict[str, _Made] = {}
        self._years = PageYears()
        self._behind = timedelta()
        self._stop = threading.Event()
        self._isolation = isolation(LetterSource.STATUS_PAGES)
        self._due = DuePublications(self._isolation)
        self._thread = LastingThread("status-pages", self._run)

    def start(self) -> None:
        """Serve what the last process left, and begin."""
        self.knows_pages = self._pages.load() > 0
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(_STOP_S)

    def keep_alive(self) -> bool:
        """Whether it runs; starts it again where it has ended."""
        return self._thread.keep_alive()

    def turn(self) -> int:
        """Publish what has changed; returns how many pages that were."""
        wanted = _served_pages()
        # Before all that may fail: what was closed is closed to readers now.
        self._pages.keep_only({one.public_id: one.place for one in wanted})
        self._made = {one.public_id: self._made[one.public_id] for one in wanted if one.public_id in self._made}
        self._years.keep_only(self._made)
        if not wanted:
            return 0
        now = database_now()
        if self._due.turn(now):
            # What became public by itself has changed them.
            wanted = _served_pages()
        # Readers' ages are told by this machine's clock, which answers them.
        self._behind = datetime.now(UTC) - now
        # Read before the facts: a change between the two is a sign that differs at the next turn.
        signs = _signs({one.team_id for one in wanted}, now)
        made = 0
        for page in wanted:
            if not self._is_due(page, signs[page.team_id]):
                continue
            began_s = time.monotonic()
            if self._isolation.attempt("project", partial(self._publish, page, now), None, page.public_id) is not None:
                ended_s = time.monotonic()
                spaced_s = max(SPACED_S, SPACED_TIMES * (ended_s - began_s))
                self._made[page.public_id] = _Made(page.revision, signs[page.team_id], ended_s + spaced_s)
                made += 1
        self._renew_years([one for one in wanted if one.public_id in self._made], now)
        return made

    def _renew_years(self, pages: Sequence[StatusPage], now: datetime) -> None:
        """Read years anew that are old. All that is new is served by then; the rest of them waits for the next turn."""
        ends_s = time.monotonic() + YEARS_S
        for page in self._years.old_ones(pages, now):
            self._isolation.attempt("year", partial(self._renew, page, now), None, page.public_id)
            if time.monotonic() >= ends_s:
                return

    def _renew(self, page: StatusPage, now: datetime) -> None:
        with _by_itself():
            self._years.renew(page, now)
        self._publish(page, now)

    def _is_due(self, page: StatusPage, sign: str) -> bool:
        last = self._made.get(page.public_id)
        if last is None or last.revision != page.revision or self._pages.of_id(page.public_id) is None:
            return True
        return last.sign != sign and time.monotonic() >= last.again_s

    def _publish(self, page: StatusPage, now: datetime) -> PublishedPage:
        before = self._pages.of_id(page.public_id)
        with _by_itself():
            facts = read_facts(page, now, before.heard_at - self._behind if before else None)
            year = self._years.at_hand(page, now)
        made = project(facts, self._frame(page), before, year)
        made = msgspec.structs.replace(made, heard_at=made.heard_at + self._behind)
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
        self.knows_pages = True
        if made:
            log.info("status_pages.published", pages=made)
        self._stop.wait(TURN_S)


@contextmanager
def _by_itself() -> Iterator[None]:
    """Reading of one page, whose statements may take too long by themselves."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == _CANCELLED:
            raise PageTooSlowError(str(error)[:200]) from error
        raise


def _served_pages() -> list[StatusPage]:
    return list(StatusPage.objects.filter(enabled=True).select_related("team"))


def _signs(teams: Collection[int], now: datetime) -> Mapping[int, str]:
    """What changes with everything that pages of each team show, and with each minute; one question for all."""
    found = versions(teams, now)
    return dict.fromkeys(teams, f"{minute_of(now)}.{now.second // WITHOUT_SIGNS_S}") if found is None else found


def _recover(error: Exception) -> bool:
    if is_postgresql(error):
        connection.close()
    return False
