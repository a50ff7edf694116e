"""Reports by mail: of each week or month that is over, to whoever a team named, once.

At least once, as with alerts: a report is claimed under a lease, sent, and only then noted as sent; its Message-ID
names the period, so that a mail program shows one that was sent twice as one.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from vigil.alerts.channels.email import EmailConfig, Letter
from vigil.alerts.channels.kind import ChannelError
from vigil.alerts.reports.text import body, subject
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.history.core.periods import Frequency, Period, due
from vigil.history.models import Report
from vigil.history.reading.summary import summarise

POLL_S = 60.0
#: How long a claim lasts; after a failure the next attempt waits as long, and twice as long each time.
LEASE = timedelta(minutes=5)
WAIT_MOST = timedelta(hours=6)

Send = Callable[[EmailConfig, Letter], Awaitable[object]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A report that is due, in hand, and worded."""

    report: int
    period: Period
    config: EmailConfig
    letter: Letter


async def keep_sending(send: Send) -> None:
    """Send what is due, once a minute, until cancelled; a database that is away is waited for."""
    with ThreadPoolExecutor(1, thread_name_prefix="reports") as database:
        loop = asyncio.get_running_loop()
        while True:
            try:
                while (claimed := await loop.run_in_executor(database, _claim_now)) is not None:
                    error = await _send(claimed, send)
                    await loop.run_in_executor(database, _record_now, claimed, error)
            except (OperationalError, InterfaceError) as away:
                _log.warning("postgresql.away", problem=type(away).__name__)
            await asyncio.sleep(POLL_S)


def claim(now: datetime) -> Claimed | None:
    """Take the next report that is due, so that nobody else sends it; None when none is."""
    with transaction.atomic():
        rows = Report.objects.select_for_update(of=("self",), skip_locked=True).select_related("team")
        for report in rows.filter(enabled=True).exclude(lease_until__gt=now).order_by("pk"):
            told_until = report.sent_until or report.created_at
            period = due(Frequency(report.frequency), ZoneInfo(report.zone), now, told_until)
            if period is None:
                continue
            report.attempts += 1
            report.lease_until = now + min(LEASE * 2 ** (report.attempts - 1), WAIT_MOST)
            report.save(update_fields=["attempts", "lease_until"])
            return Claimed(report.pk, period, EmailConfig(to=report.recipients), letter_of(report, period, now))
    return None


def record(claimed: Claimed, error: str) -> None:
    """Note what came of it. Unless it was sent, it is tried again when its lease is over."""
    found = Report.objects.filter(pk=claimed.report)
    if error:
        found.update(last_error=error[:300])
        _log.warning("report.not_sent", report=claimed.report, error=error)
        return
    found.update(sent_until=claimed.period.ends, lease_until=None, attempts=0, last_error="")
    _log.info("report.sent", report=claimed.report, until=claimed.period.ends.isoformat())


def letter_of(report: Report, period: Period, now: datetime) -> Letter:
    """A report as a letter; all of a report's letters are one conversation."""
    summary = summarise(report, period)
    lines = body(summary, configuration().base_url)
    text = "\n".join(lines) + "\n"
    return Letter(
        subject=subject(summary),
        text=text,
        html=f"<pre>{html.escape(text)}</pre>",
        id=f"<{report.public_id}.{period.after:%Y%m%d}@vigil>",
        thread=f"<{report.public_id}@vigil>",
        date=format_datetime(now.astimezone(UTC)),
    )


def _claim_now() -> Claimed | None:
    close_old_connections()
    return claim(database_now())


def _record_now(claimed: Claimed, error: str) -> None:
    close_old_connections()
    record(claimed, error)


async def _send(claimed: Claimed, send: Send) -> str:
    try:
        await send(claimed.config, claimed.letter)
    except ChannelError as refused:
        return str(refused)
    return ""
