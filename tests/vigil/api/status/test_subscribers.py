"""Subscribers over the API: seen by who may write, removed, and made by nobody."""

from __future__ import annotations

import pytest

from tests.vigil.api.caller import Api
from tests.vigil.status.subscribing import page_of, subscriber
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.status.subscriber_models import Subscriber

pytestmark = pytest.mark.django_db


def test_a_writer_lists_and_removes_them_and_a_reader_does_not() -> None:
    page = page_of()
    row = subscriber(page, "reader@example.test", "Chat API")
    api, reader = Api(default_team()), Api(default_team(), Scope.READ)
    (found,) = api("GET", "subscribers?state=confirmed&kind=email")[1]["results"]
    assert (found["address"], found["page"], len(found["components"])) == ("reader@example.test", page.public_id, 1)
    assert reader("GET", "subscribers")[0] == 403
    assert api("POST", "subscribers", {"kind": "email", "address": "other@example.test"})[0] == 405
    assert api("DELETE", f"subscribers/{row.public_id}")[0] == 204 and not Subscriber.objects.exists()


def test_a_page_says_how_readers_may_subscribe() -> None:
    api = Api(default_team())
    made = api("POST", "status-pages", {"slug": "acme", "title": "Acme", "components": []})[1]
    assert made["subscriber_kinds"] == ["email", "webhook", "slack"]
    changed = api("PATCH", f"status-pages/{made['id']}", {"subscriber_kinds": ["slack", "email"]})[1]
    assert changed["subscriber_kinds"] == ["email", "slack"]
    assert api("PATCH", f"status-pages/{made['id']}", {"subscriber_kinds": ["pigeon"]})[0] == 400
