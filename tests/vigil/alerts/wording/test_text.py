"""What people read, and what each kind of channel sends, word for word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.vigil.alerts.told import KINDS, alert
from vigil.alerts.channels import webhook
from vigil.alerts.wording import text, vocabulary
from vigil.alerts.wording.alert import Evidence, VoteLine
from vigil.alerts.wording.message import message_of
from vigil.incidents.core.model import IncidentKind

ALERT = alert("outage")
RESOLVED = alert("outage", "resolve")


def test_an_outage_says_what_broke_who_saw_it_and_who_did_not() -> None:
    assert text.headline(ALERT) == "DOWN: Chat: 3 of 4 regions see it fail (timed out)"
    assert text.story(ALERT) == [
        "3 of 4 regions see https://api.test/v1/models fail (eu-west: timed out; us-east: connection refused; "
        "us-west: answered with a server error (status 503)), each tried twice, on 3 different providers.",
        "ap-south sees it working.",
        "Not counted: sa-east: it sends no status.",
        "First seen failing at 2030-01-02 03:04:05 UTC, confirmed 11 s later.",
        "Most voting regions agree, so this is not a network problem of one region.",
        "Check its load and its dependencies. A firewall that drops packets looks the same.",
    ]


def test_a_resolution_says_how_long_it_lasted() -> None:
    assert text.headline(RESOLVED) == "RESOLVED: Chat, after 12 min"
    assert text.story(RESOLVED) == [
        "Resolved at 2030-01-02 03:16:05 UTC. It lasted 12 min, from 2030-01-02 03:04:05 UTC (timed out).",
        "ap-south sees https://api.test/v1/models working.",
    ]


def test_the_end_of_a_paused_monitor_claims_no_recovery() -> None:
    closed = replace(RESOLVED, reason="monitor_paused", note="The monitor was paused.", evidence=Evidence())
    assert text.headline(closed) == "CLOSED: Chat, after 12 min"
    assert text.story(closed) == ["The monitor was paused."]


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        ("auth", "This is not an outage: the key was rejected."),
        ("quota", "This is not an outage: the quota or credit is used up."),
        ("config", "This is not an outage: the request is not valid."),
    ],
)
def test_an_account_problem_is_said_to_be_no_outage(failure: str, meaning: str) -> None:
    account = replace(alert("account"), failure=failure)
    assert meaning in text.story(account)
    assert text.headline(account).startswith("ACCOUNT: Chat: 3 of 3 regions")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_what_it_means_and_where_to_look(kind: str) -> None:
    opened = alert(kind)
    told = text.story(opened)
    assert vocabulary.meaning_of(kind, opened.failure) in told
    assert vocabulary.look_of(kind, opened.failure) in told
    assert any("2030-01-02 03:04:05 UTC" in line for line in told)


def test_every_kind_of_incident_has_a_template() -> None:
    assert {kind.value for kind in IncidentKind} <= set(vocabulary.TEMPLATES)


def test_what_a_provider_says_itself_is_told_as_well() -> None:
    assert text.story(alert("provider"))[-1] == "OpenAI's status page: no incident yet."


def test_a_title_that_begins_with_the_name_does_not_repeat_it() -> None:
    assert text.headline(alert("heartbeat")) == "MISSING: Nightly backup missed its ping or failed"


@pytest.mark.parametrize(
    ("failure", "title", "headline", "since"),
    [
        ("missed", "embed1 missed its ping", "MISSING: embed1", "Overdue since"),
        ("ok", "embed1 failed", "FAILED: embed1", "Failed at"),
        ("overdue", "embed1 started and did not finish", "OVERRAN: embed1", "Started at"),
    ],
)
def test_f17_a_job_is_told_as_it_was(failure: str, title: str, headline: str, since: str) -> None:
    subject = replace(alert("heartbeat").subject, name="embed1")  # type: ignore[type-var]
    told = replace(alert("heartbeat"), failure=failure, title=title, subject=subject)
    assert text.headline(told) == headline
    story = "\n".join(text.story(told))
    assert since in story
    assert ("Vigil sees only its pings" in story) is (failure == "missed")
    assert message_of(told).tone == "critical"
    assert text.headline(replace(told, step="reminded")).startswith(f"STILL {headline}, for")


def test_an_incident_without_a_monitor_is_told_by_its_title() -> None:
    dark = replace(ALERT, kind="blind", title="Region eu is dark", subject=None, evidence=Evidence(), note="No status.")
    assert text.headline(dark) == "BLIND: Region eu is dark"
    assert text.story(dark)[0] == "No status."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h 0 min"), (90 * 3600, "3 d 18 h"), (-5, "0 s")],
)
def test_a_length_of_time_reads_as_people_say_it(seconds: int, words: str) -> None:
    assert text.duration(timedelta(seconds=seconds)) == words


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks specification's reference libraries.
    found = webhook.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("votes", "meaning"),
    [
        (ALERT.evidence.votes[:2], vocabulary.template_of("outage").meaning),
        (tuple(replace(vote, domain="aws") for vote in ALERT.evidence.votes[:2]), vocabulary.ONE_DOMAIN),
        (ALERT.evidence.votes[:1], vocabulary.ONE_REGION),
    ],
    ids=["two domains", "n19 one domain", "n19 one region"],
)
def test_an_outage_claims_no_more_than_its_failure_domains_prove(votes: tuple[VoteLine, ...], meaning: str) -> None:
    lines = text.story(replace(ALERT, evidence=replace(ALERT.evidence, votes=votes)))

    assert [line for line in lines if "network" in line] == [meaning]


def test_regions_that_lost_their_way_are_told_as_their_own_event() -> None:
    title = "3 of 5 regions lost their way: what is seen from the 2 others is well"
    lost = replace(
        alert("blind"), kind="regional", about="lost_way", title=title, note="a, b and c began to fail 15 monitors."
    )

    assert text.headline(lost) == f"REGIONS LOST: {title}"
    assert text.story(lost)[0] == "a, b and c began to fail 15 monitors."
    assert "no outage of their targets" in " ".join(text.story(lost))
    assert message_of(lost).tone == "critical"
