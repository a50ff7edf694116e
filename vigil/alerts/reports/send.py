"""Report delivery: each finished week or month to the addresses that a team named.

At least once: a report is claimed under a lease, sent, then recorded. Its Message-ID names the period, so that mail
programs merge a repeat.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction

from probes.process.isolation import Isolation
from vigil.alerts.channels.email import EmailConfig, Letter
from vigil.alerts.channels.kind import Accepted, ChannelError
from vigil.alerts.core.retry import ALONE_AFTER
from vigil.alerts.reports.text import body, subject
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.database.session_lock import SessionLock, living_owners, owner_of
from vigil.database.thread import DatabaseThread
from vigil.deadletters.record import LetterSource, isolation
from vigil.history.core.periods import Frequency, Period, due
from vigil.history.models import Report
from vigil.history.reading.summary import summarise

POLL_S = 60.0
#: Longest claim. After a failure the next attempt waits as long, then twice as long each time.
LEASE = timedelta(minutes=5)
WAIT_MOST = timedelta(hours=6)

Send = Callable[[EmailConfig, Letter], Awaitable[Accepted | None]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimedReport:
    """A claimed and rendered report."""

    report: int
    period: Period
    config: EmailConfig
    letter: Letter


async def keep_sending(send: Send) -> None:
    """Send due reports once a minute until cancelled; a report that fails stops no other."""
    isolated, owner = isolation(LetterSource.REPORTS), SessionLock()
    database = DatabaseThread("reports")
    try:
        while True:
            try:
                for report in await database.query(_enabled):
                    await _send_one(report, send, database, isolated, owner)
            except Exception as error:  # noqa: BLE001  # what is due is due again in a minute
                await database.call(partial(isolated.setback, error))
            await asyncio.sleep(POLL_S)
    finally:
        await database.close()


async def _send_one(report: int, send: Send, database: DatabaseThread, isolated: Isolation, owner: SessionLock) -> None:
    """Claim, send and record one report, if it is due. Raises only what says that a server is away."""
    name = str(report)

    def take() -> ClaimedReport | None:
        return claim(database_now(), report, owner=owner)

    claimed = await database.query(lambda: isolated.attempt("claim", take, None, name))
    if claimed is None:
        return
    problem = missed = ""
    try:
        missed = (await send(claimed.config, claimed.letter) or Accepted()).missed
        await database.query(lambda: isolated.note_success("send", name))
    except ChannelError as refused:
        problem = str(refused)
    except Exception as fault:
        if isolated.refusal(fault):
            raise
        # An address or a text that the mail library does not take: it is tried again when its lease is over.
        problem = f"fault: {type(fault).__name__}"
        await database.query(partial(isolated.note_failure, "send", fault, name))
    # One that cannot be recorded is sent again when its lease is over: the mail programs merge the two.
    await database.query(lambda: isolated.attempt("record", lambda: record(claimed, problem, missed), None, name))


def claim(now: datetime, only: int | None = None, *, owner: SessionLock | None = None) -> ClaimedReport | None:
    """Claim the next due report, or the one with key `only`; None when none is due."""
    with transaction.atomic():
        if owner is not None:
            owner.hold()
        rows = Report.objects.select_for_update(of=("self",), skip_locked=True).select_related("team")
        if only is not None:
            rows = rows.filter(pk=only)
        for report in rows.filter(enabled=True).order_by("pk"):
            if report.lease_until and report.lease_until > now and not _is_abandoned(report):
                continue
            told_until = report.sent_until or report.created_at
            period = due(Frequency(report.frequency), ZoneInfo(report.zone), now, told_until)
            if period is None:
                continue
            report.attempts = min(report.attempts + 1, 1_000)
            report.lease_until = now + min(LEASE * 2 ** min(report.attempts - 1, 10), WAIT_MOST)
            report.lease_token = owner.token() if owner is not None else None
            report.save(update_fields=["attempts", "lease_until", "lease_token"])
            return ClaimedReport(report.pk, period, EmailConfig(to=report.recipients), letter_of(report, period, now))
    return None


def record(claimed: ClaimedReport, error: str, missed: str = "") -> None:
    """Record the outcome: `missed` is who did not get what was sent. One not sent is retried when its lease expires."""
    found = Report.objects.filter(pk=claimed.report)
    if error:
        found.update(last_error=error[:300], lease_token=None)
        _log.warning("report.not_sent", report=claimed.report, error=error)
        return
    found.update(
        sent_until=claimed.period.ends, lease_until=None, lease_token=None, attempts=0, last_error=missed[:300]
    )
    _log.info("report.sent", report=claimed.report, until=claimed.period.ends.isoformat())


def letter_of(report: Report, period: Period, now: datetime) -> Letter:
    """Render a report as a letter; all letters of a report share one conversation."""
    summary = summarise(report, period)
    lines = body(summary, configuration().base_url)
    text = "\n".join(lines) + "\n"
    return Letter(
        subject=subject(summary),
        text=text,
        html=f"<pre>{html.escape(text)}</pre>",
        id=f"{report.public_id}.{period.after:%Y%m%d}",
        thread=report.public_id,
        date=format_datetime(now.astimezone(UTC)),
    )


def _enabled() -> list[int]:
    return list(Report.objects.filter(enabled=True).order_by("pk").values_list("pk", flat=True))


def _is_abandoned(report: Report) -> bool:
    """Whether the sender that has claimed it has died. One that has outlived several waits for its lease: alerts are
    sent by the same process."""
    owner = owner_of(report.lease_token)
    return owner > 0 and report.attempts < ALONE_AFTER and owner not in living_owners()
