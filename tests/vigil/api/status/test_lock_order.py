"""Who changes or deletes a public incident waits at its page and holds nothing: the publisher is never in its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from tests.vigil.api.caller import Api
from tests.vigil.web.pages.row_forms.test_alerting_forms import member
from tests.waiting import until
from vigil.accounts.models import Role
from vigil.accounts.teams import default_team
from vigil.status.changes import lock_page, save_status_page
from vigil.status.models import PublicIncident, StatusPage
from vigil.status.public_incidents.changes import save_public_incident
from vigil.status.public_incidents.updates import lock_incident

pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[[str], int]


def by_api(method: str, sent: dict[str, str] | None = None) -> Write:
    api = Api(default_team())
    return lambda public_id: int(api(method, f"public-incidents/{public_id}", sent)[0])


def by_form() -> Write:
    client = member(Role.MEMBER)
    return lambda public_id: client.post(f"/settings/public-incidents/{public_id}/delete").status_code


def is_done_or_waits(written: Future[int]) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with connection.cursor() as cursor:
        # Within a transaction the first look would stay what is seen.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(query)
        return written.done() or cursor.fetchone() is not None


def in_a_thread(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connection.close()


def test_a_change_a_deletion_and_a_form_lock_the_page_before_the_incident(redis_url: str) -> None:
    page = save_status_page(StatusPage(team=default_team()), {"slug": "acme", "title": "Acme"})
    for write, answer in ((by_api("PATCH", {"title": "Down"}), 200), (by_api("DELETE"), 204), (by_form(), 302)):
        wanted = {"page": page, "title": "Slow", "text": "We look."}
        row = save_public_incident(PublicIncident(team=default_team()), wanted)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                # As the publisher does. Were the incident held by now, each of both would wait for the other.
                lock_page(page.pk)
                written = pool.submit(in_a_thread, partial(write, row.public_id))
                until(partial(is_done_or_waits, written), "the write to wait for the page")
                lock_incident(row)
            assert written.result(30) == answer
