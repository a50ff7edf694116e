"""The guided start: from nothing to a monitor that every region has tried, and a channel that took a real test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone

from probes import wire
from probes.process.redis_streams import redis_now_ms
from probes.reasons import Reason, Status
from tests.signed import report, say_alive
from vigil.accounts.login import create_login_link, ensure_first_admin
from vigil.accounts.models import Membership, Role, User
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Route
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "sk-planted-4711"
LITELLM = b"""model_list:
- model_name: chat
  litellm_params: {model: openai/gpt-5-mini, api_key: os.environ/OPENAI_API_KEY}
- model_name: own
  litellm_params: {model: ollama/llama4, api_base: http://ollama.internal:11434}
"""


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


@pytest.fixture
def regions(redis_url: str) -> Iterator[redis.Redis]:
    """Two regions that report; their workers answer as a test says."""
    with redis.Redis.from_url(redis_url) as client:
        now_ms = redis_now_ms(client)
        for slug in ("eu-west", "us-east"):
            Region.objects.create(slug=slug, domain=slug, public_key=b"k" * 32)
            say_alive(client, slug, wire.RegionStatus(1, now_ms, 0, 0, 0, now_ms, "boot", "0.1.0"))
        yield client


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of webhooks; its address, and what it got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
        server.shutdown()


def answers(client: redis.Redis, trial: str, told: dict[str, dict[str, Any]]) -> None:
    """Workers answer a trial."""
    now_ms = redis_now_ms(client)
    for region, fields in told.items():
        fields = {"status": Status.UP, "reason": Reason.OK, "code": 200, **fields}
        status, reason = fields.pop("status"), fields.pop("reason")
        phases = wire.Phases(total_us=612_000)
        result = wire.Result(1, trial, now_ms, status, reason, now_ms, phases, trial, 1, **fields)
        report(client, region, result)


def shown(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def trial_in(page: str) -> str:
    return page.partition("/start/trials/")[2].partition("?")[0]


def fragment_address(page: str) -> str:
    return "/start/trials/" + page.partition("/start/trials/")[2].partition('"')[0].replace("&amp;", "&")


def test_a_login_link_leads_to_the_start_while_nothing_is_watched(client: Client) -> None:
    owner = ensure_first_admin()
    link = create_login_link(owner).removeprefix("http://testserver")
    assert client.post(link)["Location"] == "/start"
    page = shown(client.get("/start"))
    assert "What do you run?" in page and "Step 1 of 3" in page
    for words in ("OpenAI", "Ollama", "LiteLLM file", "Any URL", "TCP port", "A job that calls"):
        assert words in page
    create_monitor(default_team(), {"name": "web", "kind": "tcp", "config": {"host": "a.test", "port": 80}})
    assert Client().post(create_login_link(owner).removeprefix("http://testserver"))["Location"] == "/"


def test_a_viewer_and_a_stranger_cannot_begin(client: Client) -> None:
    assert client.get("/start").status_code == 302
    viewer = User.objects.create_user("vic")
    Membership.objects.create(user=viewer, team=default_team(), role=Role.VIEWER)
    client.force_login(viewer)
    assert client.get("/start").status_code == 403
    assert client.post("/start?step=2&kind=url", {"address": "a.test", "do": "watch"}).status_code == 403
    assert not Monitor.objects.exists()


def test_two_minutes_to_the_first_monitor_with_a_proven_alert(
    person: Client, regions: redis.Redis, receiver: tuple[str, list[dict[str, Any]]]
) -> None:
    hook, got = receiver
    step = "/start?step=2&kind=url"
    sent = person.post(step, {"address": "https://api.example.com/health", "contains": "ready", "do": "look"})
    assert sent["Location"] == step
    page = shown(person.get(step))
    assert "0 of 2 regions have answered." in page and page.count("Looking") == 2
    assert 'value="https://api.example.com/health"' in page
    fragment = fragment_address(page)
    assert person.get(fragment).status_code == 304
    outcome = '[true, "a body with \'ready\'", "found", "up", "ok"]'
    answers(regions, trial_in(page), {"eu-west": {"facts": {"assertion_01": outcome, "certificate_days": 61}}})
    seen = shown(person.get(fragment))
    assert "1 of 2 regions have answered." in seen and "certificate 61 d" in seen and "a body with" in seen
    answers(regions, trial_in(page), {"us-east": {"status": Status.DOWN, "reason": Reason.TIMEOUT, "code": 0}})
    over = shown(person.get(fragment_address(seen)))
    assert "1 of 2 regions sees it well; us-east says" in over and "hx-get" not in over
    assert (
        person.post(step, {"address": "https://api.example.com/health", "do": "watch"})["Location"] == "/start?step=3"
    )
    monitor = Monitor.objects.get()
    assert monitor.config == {"url": "https://api.example.com/health"} and monitor.name == "api.example.com"
    assert "every 60 s from 2 regions" in shown(person.get("/start?step=3"))
    telling = "/start?step=3&channel=webhook"
    assert person.post(telling, {"config.url": hook, "do": "test"})["Location"] == telling
    told = shown(person.get(telling))
    assert "accepted it after" in told and "Did you see it?" in told and len(got) == 1
    assert person.post(telling, {"do": "finish"})["Location"] == f"/monitors/{monitor.public_id}"
    route = Route.objects.get()
    assert route.default and [one.kind for one in route.channels.all()] == ["webhook"]
    assert "What you gave before" not in shown(person.get("/start"))


def test_a_refused_key_is_no_outage_and_is_never_shown_again(person: Client, regions: redis.Redis) -> None:
    step = "/start?step=2&preset=openai"
    assert "Paste your OpenAI key" in shown(person.get(step))
    assert person.post(step, {"key": KEY, "do": "look"}).status_code == 302
    page = shown(person.get(step))
    refused = {"status": Status.DOWN, "reason": Reason.AUTH, "code": 401}
    answers(regions, trial_in(page), {"eu-west": dict(refused), "us-east": dict(refused)})
    over = shown(person.get(fragment_address(page)))
    assert "OpenAI refused this key (401) from all 2 regions." in over and "Nothing is down" in over
    again = shown(person.get(step))
    assert "Stored" in again and "${env:OPENAI_API_KEY}" in again and "$OPENAI_API_KEY" in again
    assert KEY not in again + over and KEY not in json.dumps(dict(person.session.items()))
    person.post(step, {"key": "", "do": "watch"})
    assert dict(Monitor.objects.get().secrets) == {"bearer": KEY}


@pytest.mark.parametrize(
    ("choice", "given", "config"),
    [
        ("kind=tcp", {"address": "db.example.com:5432"}, {"host": "db.example.com", "port": 5432}),
        ("preset=ollama", {"address": "http://ollama.internal:11434"}, None),
        ("kind=url", {"address": "example.com"}, {"url": "https://example.com"}),
    ],
    ids=["tcp", "ollama", "url"],
)
def test_one_field_is_enough(person: Client, choice: str, given: dict[str, str], config: Any) -> None:
    step = f"/start?step=2&{choice}"
    assert "No region is connected yet." in shown(person.get(step))
    for _ in range(2):
        assert person.post(step, {**given, "do": "watch"})["Location"] == "/start?step=3"
    monitor = Monitor.objects.get()
    assert config is None or monitor.config == config


@pytest.mark.parametrize(
    ("choice", "given", "said"),
    [
        ("kind=tcp", {"address": "db.example.com"}, "Write host and port"),
        ("kind=url", {"address": ""}, "Give the address"),
        ("kind=url", {"address": "ftp://x.test"}, "http"),
        ("preset=openai", {"key": ""}, "answers only with a key"),
        ("kind=job", {"name": "", "every": "x", "grace": "1"}, "Name the job."),
        ("kind=litellm", {}, "Choose the file."),
    ],
    ids=["tcp", "empty", "scheme", "key", "job", "file"],
)
def test_what_is_wrong_stands_at_its_field(person: Client, choice: str, given: dict[str, str], said: str) -> None:
    page = shown(person.post(f"/start?step=2&{choice}", {**given, "do": "look"}))
    assert said in page and 'role="alert"' in page and 'class="err"' in page
    assert not Monitor.objects.exists()


def test_nothing_that_was_given_is_lost_on_the_way_back(person: Client) -> None:
    person.post("/start?step=2&kind=url", {"address": "https://a.test/", "contains": "ok", "do": "back"})
    person.post("/start?step=2&kind=tcp", {"address": "b.test:1", "do": "back"})
    page = shown(person.get("/start?step=2&kind=url"))
    assert 'value="https://a.test/"' in page and 'value="ok"' in page


def test_a_job_shows_its_first_call(person: Client) -> None:
    step = "/start?step=2&kind=job"
    assert person.post(step, {"name": "nightly", "every": "60", "grace": "10", "do": "make"})["Location"] == step
    job = Heartbeat.objects.select_related("monitor").get()
    page = shown(person.get(step))
    assert "Waiting for the first call." in page and f"/ping/{job.code}" in page
    fragment = f"/start/jobs/{job.monitor.public_id}"
    assert person.get(fragment).status_code == 304
    Heartbeat.objects.update(last_ping_at=timezone.now())
    assert "It called at" in shown(person.get(fragment))
    person.post(step, {"name": "nightly", "every": "30", "grace": "10", "do": "make"})
    assert Heartbeat.objects.get().period_s == 1_800
    assert "every 30 min" in shown(person.get("/start?step=3"))


def test_a_litellm_file_shows_what_it_would_make_and_makes_it(person: Client) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    step = "/start?step=2&kind=litellm"
    assert person.post(step, {"file": SimpleUploadedFile("config.yaml", LITELLM)})["Location"] == step
    page = shown(person.get(step))
    assert "It would make 2 monitors" in page and 'name="key.OPENAI_API_KEY"' in page
    done = shown(person.post(step, {"key.OPENAI_API_KEY": KEY, "do": "make"}))
    assert "created" in done and KEY not in done
    assert Monitor.objects.filter(tags__contains="litellm").count() == 2
    large = SimpleUploadedFile("config.yaml", b"#" * 200_000)
    assert "larger than 128 KiB" in shown(person.post(step, {"file": large}))


def test_a_receiver_that_refuses_says_so_and_a_kept_channel_can_be_tried(person: Client) -> None:
    telling = "/start?step=3&channel=webhook"
    assert "web address" in shown(person.post(telling, {"config.url": "not one", "do": "test"}))
    assert not Channel.objects.exists()
    person.post(telling, {"config.url": "http://127.0.0.1:9/hook", "do": "test"})
    page = shown(person.get(telling))
    assert "did not accept it" in page and "What to do" in page and "Yes, finish" not in page
    channel = Channel.objects.get()
    other = "/start?step=3&channel=slack"
    assert channel.name in shown(person.get(other))
    assert person.post(other, {"use": channel.public_id, "do": "use"})["Location"] == telling
    assert Channel.objects.count() == 1


def test_a_trial_and_a_job_of_another_team_are_not_there(person: Client, redis_url: str) -> None:
    assert person.get("/start/trials/trl_0000000000000000").status_code == 404
    assert person.get("/start/jobs/mon_0000000000000000").status_code == 404
