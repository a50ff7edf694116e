"""The number of those who will be told is that of those who are."""

from __future__ import annotations

import pytest

from tests.vigil.status.subscribing import incident_of, page_of, subscriber
from vigil.status.audience import audience
from vigil.status.letters.fan_out import write_letters

pytestmark = pytest.mark.django_db


def test_whom_an_update_notifies_is_counted_as_it_is_fanned_out() -> None:
    page = page_of()
    subscriber(page, "all@example.test")
    subscriber(page, "both@example.test", "Chat API", "Batch API")
    subscriber(page, "batch@example.test", "Batch API")
    subscriber(page, "https://hooks.example.test/a", "Chat API", kind="webhook")
    subscriber(page, "new@example.test", state="pending", confirmed_at=None)
    subscriber(page_of("other"), "other@example.test")
    for names, expected in (
        ((), {"email": 3, "webhook": 1}),
        (("Chat API",), {"email": 2, "webhook": 1}),
        (("Chat API", "Batch API"), {"email": 3, "webhook": 1}),
    ):
        parts = list(page.components.filter(name__in=names))
        told = audience(page, parts)
        assert (told.by_kind, told.total) == (expected, sum(expected.values()))
        assert write_letters(incident_of(page, *names).updates.get().pk) == told.total
