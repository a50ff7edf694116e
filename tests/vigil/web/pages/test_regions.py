"""Regions show their way to the first vote and their facts; only staff adds, rotates, drains and revokes."""

from __future__ import annotations

import pytest
import redis
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from probes.wire import RegionStatus
from tests.signed import say_alive
from tests.vigil.api.caller import Api
from tests.vigil.incidents.world import World
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Scope, User
from vigil.accounts.teams import default_team
from vigil.enrolment import ending
from vigil.enrolment.core.commands import FORMS
from vigil.enrolment.models import RegionShadow
from vigil.enrolment.redis_access import Management
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    client.get("/more")
    return client


def hear(redis_url: str, slug: str, **more: object) -> None:
    with redis.Redis.from_url(redis_url) as broker:
        seconds, micros = broker.time()  # type: ignore[misc]
        now_ms = seconds * 1_000 + micros // 1_000
        told = {"in_flight": 1, "completed_ms": now_ms, "boot": "b" * 32, "release": "1.4", "public_key": b"k" * 32}
        facts = {"clock_offset_ms": 200, "queue_age_ms": 40, **told, **more}
        say_alive(broker, slug, RegionStatus(v=1, at_ms=now_ms, **facts), 45)  # type: ignore[arg-type]


def test_a_new_region_walks_from_its_line_to_its_votes(boss: Client, redis_url: str) -> None:
    made = boss.post("/add-region", {"slug": "eu-west", "domain": "aws", "egress": "public"})
    text = made.content.decode()
    assert all(f"Command for {form}" in text for form in FORMS) and "no-store" in made["Cache-Control"]
    assert "No worker is enrolled." in text and text.count(": done") == 0
    assert "vge_" not in boss.get("/regions/eu-west").content.decode()
    Region.objects.update(public_key=b"k" * 32)
    assert boss.get("/regions/eu-west").content.decode().count(": done") == 1
    hear(redis_url, "eu-west", completed_ms=0)
    assert "Its worker has finished no check yet." in boss.get("/regions/eu-west").content.decode()
    hear(redis_url, "eu-west")
    shadow = RegionShadow.objects.create(region=Region.objects.get(), agreed=2)
    part = boss.get("/regions/eu-west?part=checklist").content.decode()
    assert part.count(": done") == 3 and "hx-get" in part
    assert "It is new. 2 of 3 checks in a row agreed" in boss.get("/regions/eu-west").content.decode()
    shadow.delete()
    part = boss.get("/regions/eu-west?part=checklist").content.decode()
    assert part.count(": done") == 5 and "hx-get" not in part and "<html" not in part


def test_the_list_has_trouble_first_and_says_what_each_region_is(
    boss: Client, redis_url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world = World()
    world.see(world.monitor("chat"), "fail", enqueue=lambda step: None)
    Region.objects.create(slug="zz-drained", domain="x", enabled=False)
    for slug in Region.objects.exclude(slug="zz-drained").values_list("slug", flat=True)[:3]:
        hear(redis_url, slug)
    hear(redis_url, "us-west", clock_offset_ms=9_000)
    with django_assert_max_num_queries(8):
        text = boss.get("/regions").content.decode()
    assert "regions vote" in text and "Its clock is off" in text and "+9.0" in text and "Drained" in text
    assert text.index("Its clock is off") < text.index(">Voting<")


def test_staff_drains_rotates_and_revokes_by_name(boss: Client, redis_url: str) -> None:
    Region.objects.create(slug="eu", domain="aws", public_key=b"k" * 32)
    boss.post("/regions/eu/change", {"do": "drain"})
    assert not Region.objects.get().enabled
    assert "It is sent no checks." in boss.get("/regions/eu").content.decode()
    boss.post("/regions/eu/change", {"do": "resume"})
    assert "vge_" in boss.post("/regions/eu/change", {"do": "rotate"}).content.decode()
    assert bytes(Region.objects.get().public_key or b"") == b"k" * 32, "its worker goes on until the new one enrols"
    boss.post("/regions/eu/change", {"do": "revoke", "name": "us"})
    assert Region.objects.get().public_key is not None
    boss.post("/regions/eu/change", {"do": "revoke", "name": "eu"})
    assert Region.objects.get().public_key is None and not Region.objects.get().enabled


def test_whoever_revokes_a_region_is_told_of_the_secrets_that_its_host_could_read(boss: Client, redis_url: str) -> None:
    regions = [Region.objects.create(slug="eu", domain="aws")]
    wanted = {"kind": "http", "config": {"url": "https://example.com/"}, "regions": regions}
    create_monitor(default_team(), {**wanted, "name": "open"})
    create_monitor(default_team(), {**wanted, "name": "closed", "secrets": {"bearer": "obviously-fake"}})
    told = boss.post("/regions/eu/change", {"do": "revoke", "name": "eu"}).content.decode()
    assert "change the secrets of a monitor: it was sent them" in told


@pytest.mark.parametrize("ended", [Management.BY_HAND, Management.AWAY])
def test_a_redis_user_that_outlives_its_region_is_told(
    boss: Client, redis_url: str, monkeypatch: pytest.MonkeyPatch, ended: Management
) -> None:
    Region.objects.create(slug="eu", domain="aws")
    monkeypatch.setattr(ending, "end_user", lambda slug: ended)
    told = boss.post("/regions/eu/change", {"do": "revoke", "name": "eu"}).content.decode()
    assert "Its Redis user is still there" in told and "ACL DELUSER worker-eu" in told
    staff = Api(default_team(), *Scope, user=User.objects.get(is_superuser=True))
    assert "ACL DELUSER worker-eu" in staff.ask("POST", "regions/eu/revoke")["Warning"]


def test_wrong_fields_are_said_beside_them_and_others_than_staff_are_refused(boss: Client, redis_url: str) -> None:
    page = boss.post("/add-region", {"slug": "Not A Name", "domain": "", "egress": "moon"}).content.decode()
    assert page.count('aria-invalid="true"') == 3 and 'value="Not A Name"' in page
    assert not Region.objects.exists()
    user = User.objects.create_user("ann")
    Membership.objects.create(user=user, team=default_team(), role=Role.OWNER)
    ann = Client()
    ann.force_login(user)
    Region.objects.create(slug="eu", domain="aws")
    assert ann.get("/add-region").status_code == ann.post("/regions/eu/change", {"do": "drain"}).status_code == 403
    assert "Rotate keys" not in ann.get("/regions/eu").content.decode()
    assert ann.get("/regions/nowhere").status_code == 404
