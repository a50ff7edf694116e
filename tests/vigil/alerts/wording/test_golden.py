"""What each kind of channel sends for each kind of incident at each point of its life, word for word.

After a change that is meant: `WRITE_GOLDEN=1 manage.py test tests/vigil/alerts/wording/test_golden.py` writes the files
anew; read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.vigil.alerts.told import EVENTS, KINDS, NOTICE, alert, digest, notices
from vigil.alerts.channels import CHANNELS, parse_config
from vigil.alerts.wording.message import message_of, message_of_digest

GOLDEN = Path(__file__).parents[1] / "golden"
CONFIGS: dict[str, dict[str, Any]] = {
    "webhook": {"url": "https://x.test"},
    "alertmanager": {"url": "https://alerts.test:9093"},
    "telegram": {"chat": "-100123"},
    "email": {"to": ["ops@x.test"]},
    "sms": {"to": "+15550000001", "sender": "+15550000002", "account": "AC" + "0" * 32},
    "slack": {"channel": "C012345"},
}


def rendered(kind: str) -> dict[str, Any]:
    channel = CHANNELS[kind]
    config = parse_config(kind, CONFIGS.get(kind, {}))
    found = {
        f"{about} {event}": as_data(channel.render(message_of(alert(about, event)), config))
        for about in KINDS
        for event in EVENTS
    }
    for event in ("trigger", "resolve"):
        found[f"digest {event}"] = as_data(channel.render(message_of_digest(digest(3, event)), config))
    if channel.takes_notices:
        found["notice"] = as_data(channel.render(message_of(NOTICE), config))
        found["notices"] = as_data(channel.render(message_of_digest(notices(2)), config))
    return found


def as_data(payload: Any) -> Any:
    made = msgspec.to_builtins(payload)
    # A webhook's body is JSON in bytes, which reads badly in a file.
    if isinstance(made, dict) and isinstance(getattr(payload, "body", None), bytes):
        return {"id": payload.id, "body": json.loads(payload.body)}
    return made


@pytest.mark.parametrize("kind", sorted(CHANNELS))
def test_every_message_is_word_for_word_as_it_was_agreed(kind: str) -> None:
    file = GOLDEN / f"{kind}.json"
    found = json.loads(json.dumps(rendered(kind)))
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(file.read_text())


@pytest.mark.parametrize("kind", sorted(CHANNELS))
@pytest.mark.parametrize("about", sorted(KINDS))
def test_every_channel_tells_the_same_facts(kind: str, about: str) -> None:
    told = alert(about)
    text = json.dumps(rendered(kind)[f"{about} trigger"], ensure_ascii=False)
    assert said(told.name) in said(text)
    assert told.link in text
    if kind != "sms":
        # What it means, since when, and who did not see it.
        message = message_of(told)
        assert all(said(line) in said(text) for line in message.lines)
        assert told.acknowledge_link in text or kind == "webhook"


def said(text: str) -> str:
    """A text without a channel's escaping, so that only its words count."""
    for written, meant in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
        ("&#x27;", "'"),
        ("&quot;", '"'),
        ("\u200b", ""),
    ):
        text = text.replace(written, meant)
    return text.replace("\\", "")
