"""A letter that ended its sender again and again is sent while no other letter is, and told of."""

from __future__ import annotations

import pytest
from django.db.models import F
from django.db.models.functions import Now

from probes.process.isolation import plainly
from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber, tell_all
from vigil.alerts.core.retry import ALONE_AFTER, TOLD_AFTER, alone_again_s
from vigil.database.session_lock import SessionLock
from vigil.deadletters.actions import waiting
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.letters.attempts import WAITS_MOST
from vigil.status.letters.claims import ClaimedLetters, claim_letters, has_lone_letter
from vigil.status.letters.fan_out import write_due_letters
from vigil.status.models import PublicUpdate
from vigil.status.subscriber_models import SubscriberLetter
from vigil.status.subscribers.resending import resend_letters

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = dict.fromkeys(SubscriberKind, 10)
NAMES = ["poison", "innocent", "other"]


def letters() -> dict[str, int]:
    page = page_of()
    for name in NAMES:
        subscriber(page, f"{name}@example.test")
    incident_of(page)
    write_due_letters(plainly)
    keys = SubscriberLetter.objects.order_by("subscriber_id").values_list("pk", flat=True)
    return dict(zip(NAMES, keys, strict=True))


def had(letter: int, unfinished: int) -> None:
    """As if its sender had died so often, the last time a while ago."""
    past = {"state": "sending", "lease_until": Now(), "due_at": F("created_at"), "lease_token": None}
    SubscriberLetter.objects.filter(pk=letter).update(unfinished=unfinished, attempts=unfinished, **past)


def ids(claimed: ClaimedLetters) -> set[int]:
    return {one.pk for one in claimed.letters}


def test_it_is_claimed_alone_and_later_each_time() -> None:
    made, owner = letters(), SessionLock()
    for _ in range(ALONE_AFTER):
        assert ids(claim_letters(ROOM, owner)) == set(made.values())
        SubscriberLetter.objects.exclude(pk=made["poison"]).update(state="pending", unfinished=0)
        SubscriberLetter.objects.filter(state="sending").update(lease_until=Now())
    assert has_lone_letter()
    assert ids(claim_letters(ROOM, owner)) == {made["innocent"], made["other"]}
    for unfinished in range(ALONE_AFTER, TOLD_AFTER):
        (lone,) = claim_letters(ROOM, owner, alone=True).letters
        assert (lone.pk, lone.unfinished) == (made["poison"], unfinished + 1)
        waits_s = (lone.due_at - lone.created_at).total_seconds()
        assert waits_s >= alone_again_s(unfinished)
        # Nor when the next attempt would be due, while this one goes on.
        SubscriberLetter.objects.filter(pk=lone.pk).update(due_at=F("created_at"))
        assert not has_lone_letter()
        had(lone.pk, lone.unfinished)


def test_it_is_told_of_and_sent_even_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = letters()
    had(made["poison"], TOLD_AFTER)
    had(made["innocent"], ALONE_AFTER)
    with mail_server(monkeypatch) as server:
        tell_all()
        assert server.by_recipient == dict.fromkeys((f"{name}@example.test" for name in NAMES), 1)
    assert set(SubscriberLetter.objects.values_list("state", "unfinished")) == {("sent", 0)}
    letter = waiting().get()
    assert (letter.source, letter.step, letter.origin) == ("letters", "send", str(made["poison"]))
    assert f"its sender died {TOLD_AFTER} times" in letter.error


def test_it_is_given_up_when_it_is_old_and_what_is_innocent_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    made = letters()
    had(made["poison"], TOLD_AFTER)
    had(made["innocent"], ALONE_AFTER)
    SubscriberLetter.objects.filter(pk=made["poison"]).update(created_at=Now() - 2 * WAITS_MOST)
    with mail_server(monkeypatch) as server:
        tell_all()
        assert server.by_recipient == {"innocent@example.test": 1, "other@example.test": 1}
    states = dict(SubscriberLetter.objects.values_list("pk", "state"))
    assert states == {made["poison"]: "dead", made["innocent"]: "sent", made["other"]: "sent"}
    letter = waiting().get()
    assert (letter.source, letter.step, letter.origin) == ("letters", "send", str(made["poison"]))
    assert resend_letters(PublicUpdate.objects.get()) == 1
    assert SubscriberLetter.objects.get(pk=made["poison"]).unfinished == ALONE_AFTER, "alone at first"
    with mail_server(monkeypatch) as server:
        tell_all()
        assert server.by_recipient == {"poison@example.test": 1}
    assert SubscriberLetter.objects.get(pk=made["poison"]).unfinished == 0
