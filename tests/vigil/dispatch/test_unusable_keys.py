"""A region whose public key is none keeps no other region from a monitor with secrets."""

from __future__ import annotations

import pytest

from probes.seal import generate_keypair
from vigil.accounts.teams import default_team
from vigil.dispatch.catalogue import load_plans
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("public_key", [bytes(32), b"short", b"", None], ids=["zeros", "short", "empty", "none"])
def test_s17_a_region_that_names_a_key_which_seals_nothing_stops_no_other(
    public_key: bytes | None, redis_url: str
) -> None:
    _, good = generate_keypair()
    regions = [
        Region.objects.create(slug="good", domain="aws", public_key=good),
        Region.objects.create(slug="stolen", domain="gcp", public_key=public_key),
    ]
    settings = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/"}, "regions": regions}
    created = create_monitor(default_team(), {**settings, "secrets": {"bearer": "hunter2hunter2"}})
    [plans] = list(load_plans([created.public_id]))
    planned = {one.slug: (bool(one.sealed), one.able) for one in plans[created.public_id].regions}
    assert planned == {"good": (True, True), "stolen": (False, False)}
