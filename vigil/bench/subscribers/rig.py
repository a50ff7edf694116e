"""Subscribers benchmark rig: makes subscribers, publishes updates, counts the letters that arrive."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from django.utils import timezone

from vigil.accounts.teams import default_team
from vigil.bench.measure import cpu_ns
from vigil.bench.report import say, until
from vigil.cli.errors import CommandError
from vigil.demo.mail_receiver import MailReceiver
from vigil.status.changes import save_status_page
from vigil.status.core.subscriber_terms import SubscriberKind, SubscriberState
from vigil.status.models import PublicIncident, StatusPage
from vigil.status.public_incidents.changes import save_public_incident
from vigil.status.subscriber_models import Subscriber, SubscriberLetter
from vigil.status.subscribers.addresses import fingerprint_of

KILLS, WITHIN_S = 3, 300.0
_until = partial(until, within_s=WITHIN_S)


def measure(receiver: MailReceiver, count: int) -> dict[str, float]:
    """Mail two updates, the second one through kills."""
    page = make_page(count)
    return _told(receiver, page, count) | _killed(receiver, page, count)


def make_page(count: int) -> StatusPage:
    """A page with so many confirmed subscribers."""
    page = save_status_page(StatusPage(team=default_team()), {"slug": "acme", "title": "Acme AI", "components": []})
    at = timezone.now()
    Subscriber.objects.bulk_create(
        Subscriber(
            team=page.team, page=page, kind=SubscriberKind.EMAIL, sealed={"address": address},
            fingerprint=fingerprint_of(SubscriberKind.EMAIL, address), state=SubscriberState.CONFIRMED,
            asked_at=at, confirmed_at=at,
        )
        for address in (f"reader-{number}@example.test" for number in range(count))
    )  # fmt: skip
    return page


def _told(receiver: MailReceiver, page: StatusPage, count: int) -> dict[str, float]:
    say(f"an update to {count:,} subscribers ...")
    with _sender() as process:
        time.sleep(2)
        before_ns, began_s = cpu_ns(process.pid), time.monotonic()
        _publish(page, "The first")
        _until(lambda: receiver.count >= count, problem="not everybody was told")
        told_s, used_ns = time.monotonic() - began_s, cpu_ns(process.pid) - before_ns
        _until(_all_sent, problem="not everything was recorded")
    return {
        "told_s": round(told_s, 1),
        "cpu_ms_per_letter": round(used_ns / 1e6 / count, 2),
        "lost": count - len(receiver.by_id),
        "repeated": receiver.count - len(receiver.by_id),
    }


def _killed(receiver: MailReceiver, page: StatusPage, count: int) -> dict[str, float]:
    say(f"an update to {count:,} subscribers, through {KILLS} kills ...")
    first, repeated = len(receiver.by_id), receiver.count - len(receiver.by_id)
    _publish(page, "The second")
    for number in range(1, KILLS + 1):
        with _sender() as process:
            part = first + count * number // (KILLS + 1)
            _until(lambda part=part: len(receiver.by_id) >= part, problem="letters stopped")  # type: ignore[misc]
            process.kill()
            process.wait(10)
    with _sender():
        _until(_all_sent, problem="not everything was recorded")
    return {
        "lost": 2 * count - len(receiver.by_id),
        "repeated_by_kills": receiver.count - len(receiver.by_id) - repeated,
        "kills": KILLS,
    }


def _publish(page: StatusPage, title: str) -> None:
    wanted = {"page": page, "title": title, "impact": "major", "state": "investigating", "text": "We look into it."}
    save_public_incident(PublicIncident(team=page.team), wanted)


def _all_sent() -> bool:
    told = not PublicIncident.objects.filter(updates__told_at=None).exists()
    return told and not SubscriberLetter.objects.exclude(state="sent").exists()


@contextlib.contextmanager
def _sender() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "vigil.cli", "run", "deliver"],
        env={**os.environ, "VIGIL_HEALTH_PORT": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
        if process.poll() not in (None, -signal.SIGKILL):
            raise CommandError(f"the sender ended with {process.returncode}")
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait(5)
