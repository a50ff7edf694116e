"""The settings: channels with a real test, tokens shown once, feeds, health and dead letters for staff."""

from __future__ import annotations

import gzip
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.vigil.incidents.world import World
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import ApiToken, Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.outbox import enqueue
from vigil.clock import database_now
from vigil.deadletters.models import DeadLetter
from vigil.feeds.models import Feed

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    client.get("/more")
    return client


def member(role: Role, team: Team | None = None) -> Client:
    user = User.objects.create_user(f"a {role}")
    Membership.objects.create(user=user, team=team or default_team(), role=role)
    client = Client()
    client.force_login(user)
    return client


def hook(name: str = "Ops <b>", **fields: object) -> Channel:
    config = {"url": "https://ops.test/"}
    return Channel.objects.create(team=default_team(), name=name, kind="webhook", config=config, **fields)


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_says_of_each_channel_whether_it_works_in_few_queries(
    boss: Client, redis_url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    works = hook()
    world = World()
    world.see(world.monitor("chat"), "fail", enqueue=enqueue)
    now = database_now()
    Delivery.objects.update(state="sent", created_at=now, sent_at=now + timedelta(milliseconds=210), attempts=1)
    hook("Off", enabled=False, disabled_at=now, disabled_why="404 no_such_hook", refused=[1, 2, 3])
    for number in range(40):
        hook(f"more {number}")
    route = Route.objects.create(team=default_team(), name="Prod", position=1)
    route.channels.add(works)
    with django_assert_max_num_queries(9):
        answer = boss.get("/settings/channels")
    text = answer.content.decode()
    assert "1 of 42 channels need attention" in text.replace("needs", "need") and "Ops &lt;b&gt;" in text
    assert "in 210\u202fms" in text and "refused 3 times (404 no_such_hook)" in text and "1 route<" in text
    assert len(gzip.compress(answer.content)) < 12_000
    with django_assert_max_num_queries(16):
        text = page(boss, f"/settings/channels/{works.public_id}")
    assert "Used by 1 route" in text and "Without it, route “<bdi>Prod</bdi>” tells no channel." in text
    assert "Its 1 kept message goes with it" in text


def test_a_real_test_shows_the_receivers_own_answer(boss: Client) -> None:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        boss.post("/settings/channels/new?kind=webhook", {"name": "Ops", "config.url": url})
        path = f"/settings/channels/{Channel.objects.get().public_id}"
        text = boss.post(path, {"do": "test"}).content.decode()
    finally:
        server.shutdown()
        server.server_close()
    assert "Not accepted, after" in text and "answered 404" in text


def test_a_channel_is_made_and_changed_by_typed_fields_and_its_secrets_are_not_shown_again(boss: Client) -> None:
    new = "/settings/channels/new?kind=webhook"
    assert 'name="config.url"' in page(boss, new) and 'type="password"' in page(boss, new)
    refused = boss.post(new, {"name": "Ops", "config.url": "ftp://ops.test"}).content.decode()
    assert "Must be a web address" in refused and 'value="ftp://ops.test"' in refused and not Channel.objects.exists()
    made = boss.post(new, {"name": "Ops", "config.url": "https://ops.test/", "gather": "on"})
    channel = Channel.objects.get()
    secret = channel.secrets["secret"]
    assert made["Cache-Control"].startswith("no-store") and secret in made.content.decode()
    path = f"/settings/channels/{channel.public_id}"
    assert secret not in page(boss, path) and secret not in page(boss, f"{path}/edit")
    boss.post(f"{path}/edit", {"name": "Night", "config.url": "https://ops.test/", "fallback": "on"})
    channel.refresh_from_db()
    assert (channel.name, channel.fallback, channel.gather) == ("Night", True, False)
    assert channel.secrets["secret"] == secret
    # A new receiver does not get the secret of the old one.
    elsewhere = boss.post(f"{path}/edit", {"name": "Night", "config.url": "https://evil.test/"})
    assert elsewhere.status_code == 200 and "evil" not in str(Channel.objects.get().config)
    boss.post(path, {"do": "off"})
    assert "Switched off by a person." in page(boss, path)
    boss.post(path, {"do": "delete"})
    assert not Channel.objects.exists()


def test_a_token_is_shown_once_rotated_and_revoked(boss: Client) -> None:
    refused = boss.post("/settings/tokens", {"name": "", "days": "0"}).content.decode()
    assert "A name has 1 to 100 characters." in refused and not ApiToken.objects.exists()
    made = boss.post("/settings/tokens", {"name": "CI <b>", "scopes": ["read", "ping"], "days": "10"})
    token = ApiToken.objects.get()
    assert made["Cache-Control"].startswith("no-store") and f"vgl_{token.prefix}_" in made.content.decode()
    listed = page(boss, "/settings/tokens")
    assert f"vgl_{token.prefix}_" not in listed and "CI &lt;b&gt;" in listed and "not used yet" in listed
    rotated = boss.post(f"/settings/tokens/{token.public_id}", {"do": "rotate"})
    assert rotated["Cache-Control"].startswith("no-store") and ApiToken.objects.count() == 2
    again = boss.post(f"/settings/tokens/{token.public_id}", {"do": "rotate"}).content.decode()
    assert "It was rotated already" in again and ApiToken.objects.count() == 2
    boss.post(f"/settings/tokens/{token.public_id}", {"do": "revoke"})
    assert not ApiToken.objects.filter(pk=token.pk).exists()


def test_a_member_sees_their_own_tokens_and_cannot_act_on_those_of_others(boss: Client) -> None:
    theirs, _ = issue_token(default_team(), "Shared")
    plain = member(Role.MEMBER)
    assert "Shared" not in page(plain, "/settings/tokens")
    assert plain.post(f"/settings/tokens/{theirs.public_id}", {"do": "revoke"}).status_code == 404
    assert "enrol" not in page(plain, "/settings/tokens")
    assert "may not grant" in plain.post("/settings/tokens", {"name": "x", "scopes": ["enrol"]}).content.decode()


def test_viewers_change_nothing_and_another_team_sees_nothing(boss: Client) -> None:
    channel = hook()
    path = f"/settings/channels/{channel.public_id}"
    viewer, stranger = member(Role.VIEWER), member(Role.OWNER, Team.objects.create(name="B", slug="b"))
    assert 'value="test"' not in page(viewer, path) and 'value="delete"' not in page(viewer, path)
    for one in (path, f"{path}/edit", "/settings/channels/new", "/settings/tokens", "/settings/feeds/switch"):
        assert viewer.post(one, {"do": "test"}).status_code == 403
    assert viewer.get(f"{path}/edit").status_code == 403
    for one in (path, f"{path}/edit"):
        assert stranger.get(one).status_code == 404 and stranger.post(one, {"do": "delete"}).status_code == 404
    assert "Ops" not in page(stranger, "/settings/channels")
    for one in ("/settings/health", "/settings/dead-letters"):
        assert stranger.get(one).status_code == 403
    assert "/settings/health" not in page(stranger, "/settings/feeds")


def test_staff_switches_feeds_and_others_read_them(
    boss: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    boss.post("/settings/feeds/switch", {"provider": "openai", "do": "on"})
    Feed.objects.update(ok_at=database_now())
    Feed.objects.get().posts.create(external_id="1", title="Slow <b>", seen_at=database_now())
    with django_assert_max_num_queries(6):
        text = page(boss, "/settings/feeds")
    assert "1 of 22 status feeds is read" in text and "Slow &lt;b&gt;" in text
    assert member(Role.OWNER).post("/settings/feeds/switch", {"provider": "openai", "do": "off"}).status_code == 403
    assert Feed.objects.get().enabled


def test_health_says_what_the_doctor_says_worst_first(boss: Client, redis_url: str) -> None:
    text = page(boss, "/settings/health")
    assert "need a fix" in text.replace("needs a fix", "need a fix") and "Nothing holds the lease" not in text
    assert "`" not in text.partition("<main")[2].partition("</main>")[0]
    assert text.index(">Problem<") < text.index(">Passes<") and "UTC. <code>manage.py doctor" in text


def test_dead_letters_are_replayed_or_discarded_and_say_what_became_of_them(boss: Client) -> None:
    for number in range(2):
        DeadLetter.objects.create(
            source="witness", step="feed", error="<b> broke", fingerprint=bytes([number]), last_at=database_now()
        )
    one, two = DeadLetter.objects.order_by("pk")
    text = page(boss, "/settings/dead-letters")
    assert "2 letters wait for a person" in text and "&lt;b&gt; broke" in text
    assert (
        "the feed is read again"
        in boss.post(f"/settings/dead-letters/{one.public_id}", {"do": "replay"}).content.decode()
    )
    assert "Discarded." in boss.post(f"/settings/dead-letters/{two.public_id}", {"do": "discard"}).content.decode()
    assert "No letter waits" in page(boss, "/settings/dead-letters")
    assert "Replayed" in page(boss, "/settings/dead-letters?all=1&before=x")


def test_a_person_chooses_the_theme_of_their_device_without_a_script(boss: Client) -> None:
    assert boss.post("/settings/you", {"theme": "dark"}).status_code == 302
    text = page(boss, "/settings/you")
    assert 'data-theme="dark"' in text and 'value="dark" checked' in text and "data-single-keys" in text
    boss.post("/settings/you", {"theme": '"><script>'})
    assert "data-theme" not in page(boss, "/settings/you").split("<head>")[0]
