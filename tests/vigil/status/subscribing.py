"""Subscribers of a page for tests, and one life of what sends their letters."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.db.models.functions import Now

from tests.waiting import until_awaited
from vigil.accounts.teams import default_team
from vigil.alerts.channels.kind import Outbound
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.clock import database_now
from vigil.configuration import AlertEgress, configuration
from vigil.database.thread import DatabaseThread
from vigil.demo.mail_receiver import MailReceiver
from vigil.status.changes import save_status_page
from vigil.status.core.subscriber_terms import SubscriberKind, SubscriberState
from vigil.status.letters.service import DRAIN_S, LetterSender
from vigil.status.models import PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents.changes import save_public_incident
from vigil.status.subscriber_models import OutboxState, Subscriber, SubscriberLetter, SubscriptionRequest
from vigil.status.subscribers.addresses import fingerprint_of


def page_of(slug: str = "acme", **more: object) -> StatusPage:
    """A page without monitors, under two components."""
    components = [{"name": "Chat API", "tag": "chat"}, {"name": "Batch API", "tag": "batch"}]
    wanted = {"slug": slug, "title": "Acme AI", "components": components, **more}
    return save_status_page(StatusPage(team=default_team()), wanted)


def subscriber(page: StatusPage, address: str, *components: str, **more: object) -> Subscriber:
    """A confirmed subscriber, of the named components or of the whole page."""
    kind = SubscriberKind(str(more.pop("kind", "email")))
    before = database_now() - timedelta(hours=1)
    row = Subscriber.objects.create(
        page=page, team=page.team, kind=kind, sealed={"address": address}, fingerprint=fingerprint_of(kind, address),
        whole=not components, asked_at=before,
        **{"state": SubscriberState.CONFIRMED, "confirmed_at": before, **more},
    )  # fmt: skip
    row.components.set(page.components.filter(name__in=components))
    return row


def incident_of(page: StatusPage, *components: str, **more: object) -> PublicIncident:
    """A public incident with its first update, published now."""
    wanted = {
        "page": page, "title": "Chat API refuses connections", "impact": "major", "state": "investigating",
        "text": "We are looking into it.", "components": list(page.components.filter(name__in=components)), **more,
    }  # fmt: skip
    return save_public_incident(PublicIncident(team=page.team), wanted)


@contextlib.contextmanager
def mail_server(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Iterator[MailReceiver]:
    """A mail server that the installation uses, with a name to send by."""
    receiver = MailReceiver()
    wanted = {"EMAIL_URL": f"smtp://127.0.0.1:{receiver.start()}", "EMAIL_FROM": "Vigil <vigil@acme.test>", **settings}
    for name, value in wanted.items():
        monkeypatch.setenv(f"VIGIL_{name}", value)
    configuration.cache_clear()
    try:
        yield receiver
    finally:
        receiver.stop()
        monkeypatch.undo()
        configuration.cache_clear()


def tell_all(
    until: Callable[[], bool] | None = None, outbound: Outbound | None = None, drain_s: float = DRAIN_S
) -> None:
    """One life of the sender, until nothing waits."""

    async def telling() -> None:
        guarded = GuardedOutbound(AlertEgress.PRIVATE)
        sender = LetterSender(outbound or guarded, drain_s)
        try:
            await sender.run()
        finally:
            await sender.close()
            await guarded.close()

    run_until(telling, until or nothing_waits)


def run_until(work: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], bool]) -> None:
    """Run it until the database says that it may end."""

    async def life() -> None:
        running, database = asyncio.create_task(work()), DatabaseThread("asked")
        try:
            await until_awaited(lambda: database.query(ended), "letters to be sent", 60)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await database.close()

    asyncio.run(life())


def nothing_waits() -> bool:
    """Whether every request is decided, every update told and every letter that is due is at its end."""
    is_waiting = Q(state__in=[OutboxState.PENDING, OutboxState.SENDING], due_at__lte=Now())
    # One that is sent alone is due again only later; its lease tells that it is being sent.
    letters = SubscriberLetter.objects.filter(is_waiting | Q(state=OutboxState.SENDING, lease_until__gt=Now()))
    untold = PublicUpdate.objects.published().filter(told_at=None)
    return not (SubscriptionRequest.objects.filter(outcome="").exists() or untold.exists() or letters.exists())
