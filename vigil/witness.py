"""Witness process (crash-safe): status feeds, the dead man's switch, disks, expiries, and models in use."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from django.db import close_old_connections, connection

from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.watch.watchdog import tick
from vigil import disks, expiries
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.alerts.outbox import enqueue
from vigil.alerts.selftest.deadman import DeadmanSwitch, deadman_status, record_ping
from vigil.away import refusal
from vigil.clock import database_now
from vigil.configuration import configuration, split_list
from vigil.deadletters.record import LetterSource, isolation
from vigil.feeds.core.detection_lead import AFTER
from vigil.feeds.core.page import FeedUnreadable, Page
from vigil.feeds.fetch import Fetcher, NotFetched
from vigil.feeds.formats import parse
from vigil.feeds.models import Feed, FeedPost
from vigil.feeds.record import enabled_feeds, record_page, record_problem, record_unchanged
from vigil.incidents.installation.disks import note_disks
from vigil.incidents.provider_notes import note_declared
from vigil.incidents.providers.detection_leads import settle_leads
from vigil.model_watch.watch import ModelWatch
from vigil.monitors.live.results import redis_client
from vigil.notices.kept_out import tell_kept_out
from vigil.offers.watch import OfferWatch
from vigil.tool_watch.watch import watch_tools

T = TypeVar("T")

FEED_EVERY_S = 60.0
TURN_S = 1.0
#: Pages that are parsed at once, and for how long one may be (s).
PARSED_AT_ONCE, PARSE_S = 4, 5.0
DISKS_S, LEADS_S, EXPIRIES_S = 2.0, 30.0, 3600.0

log = structlog.get_logger()


class Witness:
    """One witness. All database work is on a separate thread."""

    def __init__(self, fetcher: Fetcher, health: Health, deadman: DeadmanSwitch | None = None) -> None:
        self._fetcher = fetcher
        self._deadman = deadman
        self._health = health
        self._database = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._room = asyncio.Semaphore(PARSED_AT_ONCE)
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._fault: BaseException | None = None
        self._stopping = asyncio.Event()
        self._isolation = isolation(LetterSource.WITNESS)
        self._duties = Duties()
        self._watch_offers = partial(OfferWatch(self._isolation.each).turn, enqueue_notices)
        self._models = ModelWatch(redis_client(), enqueue_notices, self._isolation.each)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Turn until stopped; a turn that fails is no reason to end."""
        try:
            while not self._stopping.is_set():
                wait_s = await self._turn_or_wait()
                self._health.beat()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._stopping.wait()
        finally:
            for task in self._reading.values():
                task.cancel()
            await asyncio.gather(*self._reading.values(), return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(self._database, lambda: connection.close())
            self._database.shutdown(wait=False)

    async def _turn_or_wait(self) -> float:
        """One turn; returns how long to wait for the next."""
        try:
            await self._turn()
            if await self._on_database(self._isolation.turned):
                self._health.beat(away=None)
        except Exception as error:  # noqa: BLE001  # the main loop goes on after the unexpected
            loop = asyncio.get_running_loop()
            setback = await loop.run_in_executor(self._database, self._isolation.setback, error)
            self._health.beat(away=setback.words)
            return max(TURN_S, setback.wait_s)
        return TURN_S

    async def _turn(self) -> None:
        """Begin to read what is due: a feed that hangs delays neither the others nor the dead man's switch."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        attempt = self._isolation.attempt
        if self._duties.is_due("disks", DISKS_S):
            await self._on_database(lambda: attempt("disks", _watch_disks, None))
        if self._duties.is_due("leads", LEADS_S):
            await self._on_database(lambda: attempt("leads", lambda: settle_leads(database_now()), 0))
            await self._on_database(partial(attempt, "offers", self._watch_offers, 0))
            await self._on_database(partial(attempt, "tools", partial(watch_tools, enqueue_notices), 0))
            await self._on_database(partial(attempt, "kept_out", lambda: len(tell_kept_out(enqueue_notices)), 0))
        if self._duties.is_due("expiries", EXPIRIES_S):
            self._begin("expiries", self._isolated("expiries", "", self._look_for_ends()))
        none: list[Feed] = []
        feeds = await self._on_database(lambda: attempt("due_feeds", self._due_feeds, none))
        for feed in feeds:
            self._begin(feed.provider, self._read(feed))
        await self._on_database(lambda: attempt("declared", _note_what_is_new, None))
        await self._on_database(partial(attempt, "models", self._models.turn, 0))
        if self._deadman is not None:
            await self._isolated("deadman", "", self._ping(self._deadman))

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._reading[name] = asyncio.create_task(work)
        task.add_done_callback(partial(self._note_end, name))

    async def _look_for_ends(self) -> None:
        """Look at certificates on a thread of their own: a server that hangs delays nothing else."""
        found = await asyncio.to_thread(expiries.certificates, configuration())
        await self._on_database(partial(expiries.note, found, enqueue))

    async def _isolated(self, step: str, origin: str, work: Awaitable[None]) -> None:
        """Await a step by itself: its fault is kept as a dead letter. Raises only when a server is away."""
        try:
            await work
        except Exception as error:
            if refusal(error):
                raise
            fault = error
            await self._on_database(lambda: self._isolation.note_failure(step, fault, origin))
        else:
            await self._on_database(lambda: self._isolation.note_success(step, origin))

    async def _ping(self, deadman: DeadmanSwitch) -> None:
        """Ping the dead man's switch if delivery is proven; a missing ping is the alarm."""
        stands = await self._on_database(deadman_status)
        if not stands.due:
            return
        problem = f"not pinged: {stands.doubt}" if stands.doubt else await deadman.ping()
        if problem:
            log.warning("deadman.not_pinged", problem=problem)
        await self._on_database(lambda: record_ping(problem))

    async def _read(self, feed: Feed) -> None:
        await self._isolated("feed", feed.provider, self._read_one(feed))

    def _note_end(self, name: str, task: asyncio.Task[None]) -> None:
        """What ends a task in spite of all, such as a server that is away, is met by the next turn."""
        self._reading.pop(name, None)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = fault

    async def _read_one(self, feed: Feed) -> None:
        try:
            fetched = await self._fetcher.fetch(feed.address, feed.etag, feed.modified)
            if fetched.body is None:
                await self._on_database(lambda: record_unchanged(feed))
                return
            format, page = await self._parsed(fetched.body)
        except (NotFetched, FeedUnreadable) as problem:
            why = str(problem)
            log.warning("feed.unreadable", provider=feed.provider, problem=why)
            await self._on_database(lambda: record_problem(feed, why))
            return
        fresh = await self._on_database(lambda: record_page(feed, page, format, fetched.etag, fetched.modified))
        if fresh:
            log.info("feed.changed", provider=feed.provider, posts=len(fresh))

    async def _parsed(self, body: bytes) -> tuple[str, Page]:
        """Parse on a thread: a large page would delay the deadlines of others."""
        now = await self._on_database(database_now)
        async with self._room:
            try:
                async with asyncio.timeout(PARSE_S):
                    return await asyncio.to_thread(parse, body, now)
            except TimeoutError:
                raise FeedUnreadable(f"it takes longer than {PARSE_S:g} s to read") from None

    def _due_feeds(self) -> list[Feed]:
        # Jitter, so that installations do not poll a provider in step.
        wait_s = FEED_EVERY_S * random.uniform(0.9, 1.0)
        due = enabled_feeds(database_now() - timedelta(seconds=wait_s))
        held = self._reading.keys()
        return [feed for feed in due if feed.provider not in held and not self._isolation.rests("feed", feed.provider)]

    async def _on_database(self, work: Callable[[], T]) -> T:
        def with_connection() -> T:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, with_connection)


def _note_what_is_new() -> None:
    recent = FeedPost.objects.filter(seen_at__gt=database_now() - AFTER, ended_at=None, feed__enabled=True)
    posts = list(recent.exclude(absent_at=None).select_related("feed").order_by("seen_at"))
    noted = note_declared(posts, enqueue) if posts else 0
    if noted:
        log.info("provider.declared", incidents=noted)


def _watch_disks() -> None:
    """Look at the disks that hold data of Vigil, as far as they are those of this machine."""
    settings = configuration()
    folders = [Path(folder) for folder in split_list(settings.disk_folders)]
    if not folders:
        folders = [folder for folder in (settings.data_dir, disks.postgres_folder()) if folder is not None]
    note_disks(disks.watched(folders), enqueue)


async def witness(health: Health) -> None:
    """Run until SIGTERM or SIGINT."""
    settings = configuration()
    fetcher = Fetcher(settings.alert_egress)
    if settings.old_deadman_url is not None:
        log.warning("setting.renamed", old="VIGIL_HEARTBEAT_URL", new="VIGIL_DEADMAN_URL")
    url = settings.deadman
    deadman = DeadmanSwitch(url.get_secret_value(), settings.alert_egress) if url else None
    process = Witness(fetcher, health, deadman)
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stop_signal, process.stop)
    health.mark_ready()
    log.info("witness.ready")
    ticking = asyncio.create_task(tick(health))
    try:
        await process.run()
    finally:
        ticking.cancel()
        await fetcher.close()
        if deadman is not None:
            await deadman.close()
