"""The admin says of an object that a document owns it, and warns when it is saved there."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.vigil.api.caller import Api
from tests.vigil.code.applying import applied
from tests.vigil.code.core.test_document import BASE
from vigil.accounts.models import User
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", ["monitors/monitor", "heartbeats/heartbeat", "alerts/route"])
def test_an_object_of_a_document_is_shown_with_its_file_and_key(client: Client, model: str) -> None:
    applied(BASE)
    client.force_login(User.objects.create_superuser("root"))
    keys = {
        "monitors/monitor": Monitor.objects.get(name="db").pk,
        "heartbeats/heartbeat": Monitor.objects.get(name="nightly").pk,
        "alerts/route": default_team().routes.get(name="first").pk,
    }
    words = {"monitors/monitor": "monitors.db in vigil.yaml:11", "heartbeats/heartbeat": "heartbeats.nightly in"}
    page = client.get(f"/admin/{model}/{keys[model]}/change/").content.decode()
    assert f"Managed by code: {words.get(model, 'routes.first')}" in page and "project shop" in page


def test_the_api_says_which_document_keeps_a_monitor() -> None:
    applied(BASE)
    create_monitor(default_team(), {"name": "a", "kind": "tcp", "config": {"host": "h.example", "port": 1}})
    status, answer = Api(default_team())("GET", "monitors?fields=name,managed_by")
    kept = {row["name"]: row["managed_by"] for row in answer["results"]}
    assert status == 200 and kept["a"] is None
    assert kept["db"] == {"project": "shop", "place": "monitors.db", "file": "vigil.yaml", "line": 11}


def test_an_object_made_by_hand_is_not_said_to_be_managed(client: Client) -> None:
    row = create_monitor(default_team(), {"name": "a", "kind": "tcp", "config": {"host": "h.example", "port": 1}})
    client.force_login(User.objects.create_superuser("root"))
    assert "Managed by code" not in client.get(f"/admin/monitors/monitor/{row.pk}/change/").content.decode()
