"""What a form would mean is tried without a lock on what it reads, and without a long wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.vigil.web.pages.monitor_forms.test_monitor_forms import shown
from tests.vigil.web.pages.row_forms.test_alerting_forms import member, press, saved
from vigil.accounts.models import Role, Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Route
from vigil.web.pages.monitor_forms.patches import taken_back

pytestmark = pytest.mark.django_db


def test_a_preview_locks_no_row_that_it_reads(redis_url: str) -> None:
    writer = member(Role.MEMBER)
    saved(press(writer, "/on-call/routes/new", "save", name="First", default="on"))
    edit = f"/on-call/routes/{Route.objects.get(name='First').public_id}/edit"
    with CaptureQueriesContext(connection) as asked:
        assert "means" in shown(press(writer, edit, "preview", name="Second"))
    assert not [one["sql"] for one in asked if "FOR UPDATE" in one["sql"]]
    assert any("lock_timeout" in one["sql"] for one in asked)
    assert Route.objects.get().name == "First"
    with CaptureQueriesContext(connection) as asked:
        saved(press(writer, edit, "save", name="Second"))
    assert [one["sql"] for one in asked if "FOR UPDATE" in one["sql"]]


@pytest.mark.django_db(transaction=True)
def test_a_trial_does_not_wait_long_for_a_row_that_another_saves() -> None:
    team = default_team()
    with ThreadPoolExecutor(1) as other, transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)

        def try_it() -> list[str]:
            try:
                with taken_back():
                    Team.objects.filter(pk=team.pk).update(name="other")
            except ValidationError as refused:
                return refused.messages
            finally:
                connection.close()
            return []

        assert other.submit(try_it).result(20) == ["Another person saves this just now. Press again in a moment."]
    assert Team.objects.get(pk=team.pk).name == team.name
