"""Notices arrive through the outbox: one alone at once, many that are due at once in one message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.tell import tell

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2030, 1, 1, tzinfo=UTC)


def notice(key: str) -> Notice:
    team = default_team().pk
    return Notice(team, NoticeKind.RETIREMENT, key, f"{key} retires", AT, before="2030-02-02", after="2030-01-31")


def test_notices_arrive_and_what_is_due_at_once_is_one_message(
    webhook: Callable[..., Channel], receiver: Any, sender: None, until: Callable[..., None]
) -> None:
    webhook("/a")
    tell([notice("first")], enqueue_notices)
    until(lambda: receiver.at("/a"))
    body = receiver.at("/a")[0]["body"]
    assert (body["type"], body["summary"]) == ("notice", "NOTICE: first retires")
    assert (body["notice"]["before"], body["notice"]["after"]) == ("2030-02-02", "2030-01-31")
    assert "nothing is down" in body["text"]
    tell([notice(f"more {number}") for number in range(5)], enqueue_notices)
    until(lambda: Delivery.objects.filter(state="sent").count() == 6)
    (many,) = receiver.at("/a")[1:]
    assert (many["body"]["type"], many["body"]["summary"], len(many["body"]["notices"])) == ("notices", "NOTICES: 5", 5)
