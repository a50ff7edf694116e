"""What is told of composites, of providers' incidents and beside them, read as the person on call reads it."""

from __future__ import annotations

import pytest

from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.alerts.delivery.alert_rows import alerts_of
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.alerts.wording.message import Message, message_of
from vigil.clock import database_now
from vigil.feeds.models import Feed
from vigil.incidents.composites import sweep_composites
from vigil.incidents.sweep import reconcile_monitors
from vigil.monitors.composites import Member, create_composite

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "api.openai.com"


@pytest.fixture
def world() -> World:
    Channel.objects.create(team=default_team(), name="pager", kind="webhook", config={"url": "https://x.test/"})
    return World()


def told(kind: str = "") -> list[Message]:
    """Everything told so far, of incidents whose monitor is of that kind; of none for `-`."""
    rows = Delivery.objects.exclude(state__in=["held", "withheld"]).order_by("pk")
    rows = rows.filter(incident__monitor=None) if kind == "-" else rows.filter(incident__monitor__kind=kind)
    keys = list(rows.values_list("pk", flat=True))
    alerts = alerts_of(keys)
    return [message_of(alerts[key][0]) for key in keys]


def test_a_chain_tells_that_its_fallback_serves_then_that_nothing_does_then_that_it_is_well(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    members = [Member(primary, 0, "chat"), Member(spare, 1)]
    create_composite(default_team(), {"name": "Chat", "rule": "chain", "members": members})
    for monitor in (primary, spare):
        world.see(monitor, "pass", enqueue=enqueue)
    reconcile_monitors(enqueue)
    sweep_composites(enqueue)
    world.see(primary, "fail", enqueue=enqueue)
    (informed,) = told("composite")
    world.see(spare, "fail", enqueue=enqueue)
    paged = told("composite")[-1]
    world.see(primary, "pass", "pass", enqueue=enqueue)
    world.see(spare, "pass", "pass", enqueue=enqueue)
    ended = told("composite")[-1]

    assert informed.headline == "ON FALLBACK: Chat runs on a fallback" and informed.tone == "warning"
    assert informed.lines[0].startswith("Not serving: openai (for chat: refused). Serving: anthropic (fallback 1).")
    assert paged.headline == "DOWN TOGETHER: Chat: nothing serves" and paged.tone == "critical"
    assert "Not serving: openai (for chat: refused), anthropic (fallback 1: refused)." in paged.lines[0]
    assert ended.headline.startswith("RESOLVED: Chat") and ended.tone == "good"


def test_a_provider_is_told_by_name_with_its_monitors_and_its_own_page(world: World) -> None:
    Feed.objects.create(provider="openai", enabled=True, ok_at=database_now())
    monitors = [world.monitor(name, HOST) for name in ("chat", "embeddings")]
    for monitor in monitors:
        world.see(monitor, "fail", enqueue=enqueue)
    for monitor in monitors:
        world.see(monitor, "pass", "pass", enqueue=enqueue)

    begun, ended = told("-")
    assert begun.headline == "PROVIDER: OpenAI: 2 monitors fail together" and begun.tone == "critical"
    assert begun.lines[0] == "Failing together: chat (refused), embeddings (refused)."
    assert begun.lines[-1] == "OpenAI's status page: no incident yet."
    assert ended.headline.startswith("RESOLVED: OpenAI, after")
    assert ended.lines[0].startswith("Resolved at ")
    assert ended.lines[-2:] == (
        "All 2 are over: chat, embeddings.",
        "OpenAI's status page posted no incident meanwhile.",
    )
    # The first was told alone, with the same witness beside the votes.
    alone = told("http")[0]
    assert alone.headline.startswith("DOWN: chat: 5 of 5 regions") and alone.lines[-1] == begun.lines[-1]


def test_what_a_page_says_is_told_escaped(world: World) -> None:
    from vigil.alerts.channels import CHANNELS, parse_config

    feed = Feed.objects.create(provider="openai", enabled=True, ok_at=database_now())
    now = database_now()
    feed.posts.create(external_id="1", title="<!channel> *x* <script>alert(1)</script>", seen_at=now, absent_at=now)
    world.see(world.monitor("chat", HOST), "fail", enqueue=enqueue)
    (message,) = told("http")
    assert "<!channel> *x* <script>" in message.lines[-1]
    slack = str(CHANNELS["slack"].render(message, parse_config("slack", {})))
    assert "*x* <script>" in slack.split("'plain_text'")[-1], "in a block where nothing is markup"
    telegram = str(CHANNELS["telegram"].render(message, parse_config("telegram", {"chat": "1"})))
    assert "&lt;script&gt;alert(1)" in telegram and "<script>" not in telegram
