"""What people read, and what each kind of channel sends, word for word."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vigil.alerts import wording
from vigil.alerts.alert import Alert, Evidence, ExcludedLine, Subject, VoteLine
from vigil.alerts.channels import email, pagerduty, slack, webhook

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
ALERT = Alert(
    delivery="dlv_1",
    event="trigger",
    dedup_key="inc_1",
    kind="outage",
    title="Chat is down",
    failure="timeout",
    reason="confirmed",
    started_at=START,
    opened_at=START + timedelta(seconds=11),
    at=START + timedelta(seconds=11),
    link="https://vigil.test/incidents/inc_1",
    team="Default",
    subject=Subject("mon_1", "Chat", "https://api.test/v1/models", "http", ("ai",)),
    evidence=Evidence(
        n=5,
        m=4,
        k=3,
        domains=4,
        votes=(
            VoteLine("eu-west", "aws", "down", "timeout", age_s=1.5, attempts=2, total_ms=10_000.0),
            VoteLine("us-east", "gcp", "down", "refused", age_s=1.4, attempts=2, total_ms=1.2),
            VoteLine("us-west", "azure", "down", "http_5xx", code=503, age_s=1.3, attempts=2, total_ms=80.0),
            VoteLine("ap-south", "ovh", "up", "ok", code=200, age_s=1.0, total_ms=120.0),
        ),
        excluded=(ExcludedLine("sa-east", "aws", "dark"),),
        explanation="3 of 4 regions fail",
        rule=1,
    ),
)
RESOLVED = replace(
    ALERT,
    event="resolve",
    delivery="dlv_2",
    reason="recovered",
    at=START + timedelta(minutes=12),
    resolved_at=START + timedelta(minutes=12),
    evidence=replace(ALERT.evidence, votes=ALERT.evidence.votes[3:], excluded=()),
)


def test_an_outage_says_what_broke_who_saw_it_and_who_did_not() -> None:
    assert wording.headline(ALERT) == "DOWN: Chat: 3 of 4 regions see it fail (timed out)"
    assert wording.story(ALERT) == [
        "3 of 4 regions see https://api.test/v1/models fail (eu-west: timed out; us-east: connection refused; "
        "us-west: answered with a server error (status 503)), each tried twice, on 3 different providers.",
        "ap-south sees it well.",
        "Not counted: sa-east: no sign of life.",
        "First seen failing at 2030-01-02 03:04:05 UTC, confirmed 11 s later.",
        "Most regions that can see agree, so this is not one region's network.",
    ]


def test_a_resolution_says_how_long_it_lasted() -> None:
    assert wording.headline(RESOLVED) == "RESOLVED: Chat, after 12 min"
    assert wording.story(RESOLVED) == [
        "Chat is well again since 2030-01-02 03:16:05 UTC. It lasted 12 min, from 2030-01-02 03:04:05 UTC.",
        "ap-south sees https://api.test/v1/models well.",
    ]


def test_the_end_of_a_paused_monitor_claims_no_recovery() -> None:
    closed = replace(RESOLVED, reason="monitor_paused", note="The monitor was paused.", evidence=Evidence())
    assert wording.headline(closed) == "CLOSED: Chat, after 12 min"
    assert wording.story(closed) == ["The monitor was paused."]


def test_an_account_problem_does_not_blame_the_provider() -> None:
    account = replace(ALERT, kind="account", failure="auth")
    assert wording.headline(account) == "ACCOUNT: Chat: 3 of 4 regions see it fail (the key was refused)"
    assert "Check the account, not the service." in wording.story(account)[-1]


def test_an_incident_without_a_monitor_is_told_by_its_title() -> None:
    dark = replace(
        ALERT, kind="blind", title="Region eu is dark", subject=None, evidence=Evidence(), note="No heartbeat."
    )
    assert wording.headline(dark) == "BLIND: Region eu is dark"
    assert wording.story(dark)[0] == "No heartbeat."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h 0 min"), (90 * 3600, "3 d 18 h"), (-5, "0 s")],
)
def test_a_length_of_time_reads_as_people_say_it(seconds: int, words: str) -> None:
    assert wording.duration(timedelta(seconds=seconds)) == words


def test_the_webhook_body_is_this() -> None:
    signed = webhook.render(ALERT, webhook.WebhookConfig(url="https://x.test"))
    body = json.loads(signed.body)
    assert signed.id == "dlv_1"
    assert list(body) == [
        "type", "timestamp", "delivery", "dedup_key", "test", "summary", "text", "incident", "monitor", "n", "m", "k",
        "domains", "rule", "explanation", "votes", "excluded",
    ]  # fmt: skip
    assert body["type"] == "incident.triggered"
    assert body["incident"] == {
        "id": "inc_1", "kind": "outage", "status": "down", "title": "Chat is down", "reason": "confirmed",
        "failure": "timeout", "started_at": "2030-01-02T03:04:05+00:00", "opened_at": "2030-01-02T03:04:16+00:00",
        "resolved_at": None, "note": "", "url": "https://vigil.test/incidents/inc_1",
    }  # fmt: skip
    assert body["monitor"] == {
        "id": "mon_1", "name": "Chat", "kind": "http", "target": "https://api.test/v1/models", "tags": ["ai"],
    }  # fmt: skip
    assert body["votes"][2] == {
        "region": "us-west", "domain": "azure", "status": "down", "reason": "http_5xx", "detail": "", "code": 503,
        "attempts": 2, "age_s": 1.3, "total_ms": 80.0, "counted": True,
    }  # fmt: skip
    assert body["excluded"] == [{"region": "sa-east", "domain": "aws", "why": "dark"}]


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks specification's reference libraries.
    found = webhook.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_pagerduty_event_is_this() -> None:
    event = pagerduty.render(ALERT, pagerduty.PagerDutyConfig())
    assert event["event_action"] == "trigger"
    assert event["dedup_key"] == "inc_1"
    assert "routing_key" not in event
    assert event["links"] == [{"href": "https://vigil.test/incidents/inc_1", "text": "The incident in Vigil"}]
    details = event["payload"].pop("custom_details")
    assert event["payload"] == {
        "summary": "DOWN: Chat: 3 of 4 regions see it fail (timed out)",
        "source": "https://api.test/v1/models",
        "severity": "critical",
        "timestamp": "2030-01-02T03:04:16+00:00",
        "component": "Chat",
        "group": "Default",
        "class": "timeout",
    }
    assert details["votes"][0] == "eu-west (aws): down, timed out"
    assert details["quorum"] == "3 of 4 regions that voted, 5 assigned"
    assert pagerduty.render(RESOLVED, pagerduty.PagerDutyConfig())["event_action"] == "resolve"


def test_a_pagerduty_summary_is_cut_and_a_huge_event_loses_its_details() -> None:
    long = replace(ALERT, subject=replace(ALERT.subject, name="x" * 3000) if ALERT.subject else None)
    assert len(pagerduty.render(long, pagerduty.PagerDutyConfig())["payload"]["summary"]) == 1024
    votes = tuple(VoteLine(f"r{n}", "d", "down", "timeout", detail="y" * 240) for n in range(3000))
    huge = pagerduty.render(replace(ALERT, evidence=replace(ALERT.evidence, votes=votes)), pagerduty.PagerDutyConfig())
    assert len(json.dumps(huge)) < 512_000


def test_slack_text_cannot_mention_or_link() -> None:
    hostile = replace(ALERT, subject=Subject("mon_1", "<!channel> & <http://evil|x>", "t", "http"))
    message = slack.render(hostile, slack.SlackConfig())
    assert "<!channel>" not in message["text"]
    assert "&lt;!channel&gt; &amp; &lt;http://evil|x&gt;" in message["text"]
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "context"]
    assert message["blocks"][2]["elements"][0]["text"] == (
        "<https://vigil.test/incidents/inc_1|inc_1> · 2030-01-02 03:04:16 UTC"
    )


def test_a_letter_belongs_to_its_incidents_thread_and_is_escaped() -> None:
    hostile = replace(ALERT, subject=Subject("mon_1", "<b>x</b>\r\nBcc: a@b.c", "t", "http"))
    letter = email.render(hostile, email.EmailConfig(to=["ops@x.test"]))
    assert "\n" not in letter.subject and "\r" not in letter.subject
    assert "<b>x</b>" not in letter.html
    assert (letter.id, letter.thread) == ("<dlv_1@vigil>", "<inc_1@vigil>")
    assert letter.text.endswith("https://vigil.test/incidents/inc_1\n")
