"""The page of an incident shows every vote, says who was told, and takes a person's answer; the list filters."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.vigil.incidents.world import World
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Escalation, EscalationPolicy
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.changes import save_policy
from vigil.clock import database_now
from vigil.incidents.models import Incident, Postmortem
from vigil.web.markdown import as_html
from vigil.web.parts.places import place_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    # The first page of some minutes notes that the session is in use.
    client.get("/more")
    return client


@pytest.fixture
def incident(redis_url: str) -> Incident:
    world = World()
    Channel.objects.create(team=default_team(), name="Ops <b>", kind="webhook", config={"url": "https://ops.test/"})
    world.see(world.monitor("chat"), "fail", enqueue=enqueue)
    Incident.objects.update(title="chat <script> is down")
    return Incident.objects.get()


def member(role: Role, team: Team | None = None) -> Client:
    user = User.objects.create_user(f"a {role}")
    Membership.objects.create(user=user, team=team or default_team(), role=role)
    client = Client()
    client.force_login(user)
    return client


def path(incident: Incident) -> str:
    return f"/incidents/{incident.public_id}"


def steps(incident: Incident) -> list[str]:
    return list(incident.transitions.order_by("seq").values_list("step", flat=True))


def test_the_page_shows_votes_evidence_and_who_was_told_in_few_queries(
    boss: Client, incident: Incident, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(11):
        answer = boss.get(path(incident))
    text = answer.content.decode()
    assert "5 of 5 regions saw connection refused." in text and "Not acknowledged." in text
    assert "Down for " in text and "Ops &lt;b&gt;" in text and "<script>" not in text.split("</head>")[1]
    assert text.count('<tr><th scope="row">') == 5 and "What to do first" in text
    assert len(gzip.compress(answer.content)) < 8_000


def test_a_person_answers_on_the_page_and_each_answer_is_one_step(boss: Client, incident: Incident) -> None:
    answers = f"{path(incident)}/answer"
    for form in (
        {"do": "acknowledge"}, {"do": "acknowledge"}, {"do": "take_back"}, {"do": "snooze", "minutes": "60"},
        {"do": "note", "text": "Looks like the deploy."}, {"do": "snooze", "minutes": "61"}, {"do": "delete"},
    ):  # fmt: skip
        assert boss.post(answers, form).status_code == 302
    assert steps(incident) == ["opened", "acknowledged", "reminded", "snoozed", "note"]
    text = boss.get(path(incident)).content.decode()
    assert "Snoozed by" in text and "Looks like the deploy." in text
    assert "This was already done." in boss.get(f"{path(incident)}?said=already").content.decode()


def test_escalating_calls_the_next_people_now(boss: Client, incident: Incident) -> None:
    policy = EscalationPolicy(team=default_team())
    save_policy(policy, {"name": "primary", "steps": [{"delay_s": 600, "channels": [Channel.objects.get()]}]})
    later = database_now() + timedelta(minutes=10)
    Escalation.objects.create(incident=incident, policy=policy, due_at=later)
    answer = boss.post(f"{path(incident)}/answer", {"do": "escalate"})
    assert answer["Location"].endswith("?said=done#said")
    assert Escalation.objects.filter(due_at__lte=database_now()).exists() and steps(incident) == ["opened", "note"]
    assert boss.post(f"{path(incident)}/answer", {"do": "escalate"})["Location"].endswith("?said=already#said")


def test_a_postmortem_is_markdown_without_anything_active(boss: Client, incident: Incident) -> None:
    boss.post(f"{path(incident)}/answer", {"do": "postmortem", "text": "# Why\n\n**Full disk** <script>x</script>"})
    text = boss.get(path(incident)).content.decode()
    assert "<strong>Full disk</strong>" in text and "<h3>Why</h3>" in text and "<script>x" not in text
    boss.post(f"{path(incident)}/answer", {"do": "postmortem", "text": "x" * 50_001})
    assert Postmortem.objects.get().text.startswith("# Why")
    boss.post(f"{path(incident)}/answer", {"do": "postmortem", "text": " "})
    assert not Postmortem.objects.exists()


@pytest.mark.parametrize(
    "hostile",
    [
        "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>", "![x](https://evil.test/p.png)", "> " * 3_000,
        "[x](data:text/html,<script>)", "<style>*{}</style>", "[" * 20_000, '<a href="x" onclick=y>',
    ],
)  # fmt: skip
def test_hostile_markdown_is_shown_as_text(hostile: str) -> None:
    html = as_html(hostile).lower()
    assert "<script" not in html and "<img" not in html and "<style" not in html
    assert 'href="javascript' not in html and 'href="data' not in html and "<a href" not in html.replace("&lt;", "")


def test_a_viewer_reads_and_is_refused_and_another_team_sees_nothing(boss: Client, incident: Incident) -> None:
    viewer, stranger = member(Role.VIEWER), member(Role.OWNER, Team.objects.create(name="B", slug="b"))
    text = viewer.get(path(incident)).content.decode()
    assert 'value="acknowledge"' not in text and 'value="note"' not in text
    assert viewer.post(f"{path(incident)}/answer", {"do": "acknowledge"}).status_code == 403
    assert stranger.get(path(incident)).status_code == 404
    assert stranger.post(f"{path(incident)}/answer", {"do": "acknowledge"}).status_code == 404
    assert incident.title not in stranger.get("/incidents").content.decode()
    assert steps(incident) == ["opened"]


def test_the_list_filters_by_its_address_in_few_queries(
    boss: Client, incident: Incident, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    monitor = incident.monitor
    assert monitor is not None
    old = database_now() - timedelta(days=1)
    for number in range(60):
        Incident.objects.create(
            team=default_team(), monitor=monitor, kind="degraded", title=f"slow {number}", started_at=old,
            opened_at=old, resolved_at=old + timedelta(minutes=5),
        )  # fmt: skip
    with django_assert_max_num_queries(7):
        first = boss.get("/incidents").content.decode()
    assert "1 incident is open" in first and "slow 59" in first and "slow 9<" not in first and "?before=" in first
    shown = {
        "?open=1": (["is down"], ["slow"]), "?kind=degraded&q=slow+5": (["slow 59", "slow 5<"], ["is down", "slow 4"]),
        f"?monitor={monitor.public_id}": (["slow 59"], []), "?monitor=mon_x": (["No incident matches"], ["slow"]),
        "?kind=nonsense&before=abc&q=slow": (["slow 59"], []),
    }  # fmt: skip
    for query, (there, absent) in shown.items():
        main = boss.get(f"/incidents{query}").content.decode().split("<main")[1]
        assert all(words in main for words in there) and not any(words in main for words in absent), query


@pytest.mark.parametrize(
    ("region", "known"),
    [("eu-west-1", True), ("us-east", True), ("ap-southeast-2", True), ("office", False), ("", False)],
)
def test_a_region_named_as_clouds_name_theirs_has_a_place(region: str, known: bool) -> None:
    assert (place_of(region) is not None) is known
