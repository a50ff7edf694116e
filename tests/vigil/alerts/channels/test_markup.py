"""Names and answers are attackers' text: in no channel do they become markup, a mention or a header."""

from __future__ import annotations

import json
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vigil.alerts.told import OUTAGE, digest
from tests.vigil.alerts.wording.test_golden import CONFIGS, as_data
from vigil.alerts.channels import CHANNELS, email, parse_config, sms
from vigil.alerts.channels.kind import as_body
from vigil.alerts.wording.alert import AlertSubject
from vigil.alerts.wording.fitting import fit_names
from vigil.alerts.wording.message import message_of, message_of_digest

HOSTILE = (
    "<!channel> <@U1> @everyone <b>x</b> [y](http://evil.test) *z* `q`\r\nBcc: a@b.c\r\n.\r\n<https://evil.test|click>"
)
EVIL = replace(
    OUTAGE,
    subject=AlertSubject("mon_1", HOSTILE, "https://api.test/<script>", "http"),
    evidence=replace(OUTAGE.evidence, votes=tuple(replace(vote, detail=HOSTILE) for vote in OUTAGE.evidence.votes)),
)


def sent(kind: str, alert: Any = EVIL) -> Any:
    return as_data(CHANNELS[kind].render(message_of(alert), parse_config(kind, CONFIGS.get(kind, {}))))


def texts(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [text for value in found.values() for text in texts(value)]
    if isinstance(found, list):
        return [text for value in found for text in texts(value)]
    return [found] if isinstance(found, str) else []


def test_slack_shows_it_as_plain_text() -> None:
    body = sent("slack")["body"]
    assert "<!channel>" not in body["text"] and "<@U1>" not in body["text"] and "<https://evil" not in body["text"]
    shown = [block for block in body["blocks"] if block["type"] != "context"]
    assert {block["text"]["type"] for block in shown} == {"plain_text"}
    assert "evil" not in json.dumps(body["blocks"][-1])
    many = message_of_digest(digest(3, name="<!here> *{number}*"))
    told = as_data(CHANNELS["slack"].render(many, parse_config("slack", {})))["body"]
    assert told["mrkdwn"] is False and "<!here>" not in told["text"]


def test_discord_mentions_nobody_and_escapes_its_markdown() -> None:
    body = sent("discord")["body"]
    assert body["allowed_mentions"] == {"parse": []}
    shown = body["embeds"][0]["description"]
    assert "\\[y\\]\\(http\\://evil.test\\)" in shown
    assert r"\@everyone" in shown and r"\<\@U1\>" in shown


def test_telegram_and_google_chat_escape_html() -> None:
    text = sent("telegram")["fields"]["text"]
    assert "<b>x</b>" not in text and "&lt;b&gt;x&lt;/b&gt;" in text
    shown = json.dumps(sent("google_chat")["body"]["cardsV2"][0]["card"]["sections"])
    assert "<b>x</b>" not in shown and "<!channel>" not in shown and "&lt;script&gt;" in shown
    # A mention of everybody needs a `text`, which a card alone does not have.
    assert "text" not in sent("google_chat")["body"]


def test_teams_reads_no_markdown() -> None:
    card = sent("teams")["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert "entities" not in card["msteams"]


def test_a_letter_has_no_header_of_somebody_elses_and_no_tag() -> None:
    letter = CHANNELS["email"].render(message_of(EVIL), email.EmailConfig(to=["ops@x.test"]))
    raw = email._message(letter, "vigil@x.test", ["ops@x.test"]).as_bytes()
    read = message_from_bytes(raw, policy=default)
    assert read["Bcc"] is None and read["To"] == "ops@x.test"
    assert "<b>x</b>" not in letter.html and "<script>" not in letter.html


def test_apprise_mentions_nobody() -> None:
    notice = sent("apprise")
    assert "@everyone" not in notice["body"] and "<!channel>" not in notice["body"]


def test_an_ntfy_message_asks_for_no_markdown() -> None:
    assert "markdown" not in sent("ntfy")["fields"]
    assert "\n" not in sent("ntfy")["fields"]["title"]


def test_json_of_a_webhook_carries_it_unchanged() -> None:
    assert sent("webhook")["body"]["monitor"]["name"] == HOSTILE


LIMITS = {"teams": 28_000, "google_chat": 32_000, "pagerduty": 512_000, "ntfy": 8_000, "sms": 2_000}


@pytest.mark.parametrize("kind", sorted(CHANNELS))
@settings(max_examples=25, deadline=None)
@example(name='"\\\\' * 150, times=40)
@given(name=st.text(min_size=1, max_size=300), times=st.integers(1, 40))
def test_whatever_a_name_is_every_limit_holds(kind: str, name: str, times: int) -> None:
    votes = tuple(replace(OUTAGE.evidence.votes[0], region=f"r{n}", detail=name * times) for n in range(8))
    alert = replace(
        OUTAGE, subject=AlertSubject("mon_1", name * times, "t", "http"), evidence=replace(OUTAGE.evidence, votes=votes)
    )
    payload = sent(kind, alert)
    if kind in LIMITS:
        assert len(as_body(payload)) <= LIMITS[kind]
    if kind == "slack":
        assert len(payload["body"]["blocks"][0]["text"]["text"]) <= 150
        assert len(payload["body"]["blocks"][1]["text"]["text"]) <= 3000
    if kind == "discord":
        embed = payload["body"]["embeds"][0]
        assert len(embed["title"]) <= 256 and len(embed["description"]) <= 4096
        assert sum(map(len, texts(embed))) <= 6000
    if kind == "telegram":
        assert len(payload["fields"]["text"].split("</b>")[0]) < 2200
    if kind in ("jsm", "opsgenie"):
        body = payload["body"]
        assert len(body["message"]) <= 130 and len(body["description"]) <= 15_000
        assert sum(map(len, texts(body["details"]))) <= 8_000
    if kind == "sms":
        assert len(payload["text"]) <= 1600 and sms.segments_of(payload["text"]) <= 3


@pytest.mark.parametrize("kind", sorted(CHANNELS))
def test_a_full_digest_names_every_incident_within_the_limit(kind: str) -> None:
    channel = CHANNELS[kind]
    message = message_of_digest(digest(channel.names_most, name="s{number:05}-checkout-eu-west-1"))
    payload = as_data(channel.render(message, parse_config(kind, CONFIGS.get(kind, {}))))
    text = json.dumps(payload, ensure_ascii=False)
    if kind in LIMITS and kind != "ntfy":
        assert len(text.encode()) <= LIMITS[kind]
    if kind == "slack":
        assert len(payload["body"]["text"]) <= 40_000
    if kind in ("sms", "apprise"):
        # Too short for all: some are named, the others counted, and the link has them all.
        counted = "more: see the link" if kind == "apprise" else f"{channel.names_most} incidents"
        assert "s00000-checkout" in text and counted in text and "/digests/dlv_d0" in text
    else:
        assert all(f"s{number:05}-ch" in text for number in range(channel.names_most))


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=60), st.integers(100, 5000))
def test_names_that_fit_are_all_there_and_the_others_are_counted(names: list[str], limit: int) -> None:
    shown = fit_names(names, limit)
    assert sum(len(name.encode()) + 1 for name in shown) <= limit + 60
    if len(shown) != len(names):
        assert int(shown[-1].split()[1]) == len(names) - (len(shown) - 1)


def test_a_segment_is_counted_as_it_is_paid_for() -> None:
    assert sms.segments_of("a" * 160) == 1
    assert sms.segments_of("a" * 161) == 2
    assert sms.segments_of("€" * 80) == 1
    assert sms.segments_of("ж" * 70) == 1
    assert sms.segments_of("ж" * 71) == 2
