"""Letters to subscribers over real SMTP and HTTP: one each, whom it concerns alone, and what failures come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest

from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber, tell_all
from vigil.clock import database_now
from vigil.demo.mail_receiver import MailReceiver
from vigil.status.changes import save_status_page
from vigil.status.letters.compose import mail_of
from vigil.status.letters.fan_out import write_letters
from vigil.status.letters.upkeep import give_up_old_letters
from vigil.status.public_incidents.changes import delete_public_incident
from vigil.status.public_incidents.updates import add_update
from vigil.status.subscriber_models import Subscriber, SubscriberLetter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailReceiver]:
    with mail_server(monkeypatch) as receiver:
        yield receiver


def test_an_update_is_told_once_to_each_subscriber_whom_it_concerns(server: MailReceiver) -> None:
    page = page_of()
    for address, components in {
        "all@example.test": (),
        "chat@example.test": ("Chat API",),
        "both@example.test": ("Chat API", "Batch API"),
        "batch@example.test": ("Batch API",),
    }.items():
        subscriber(page, address, *components)
    subscriber(page, "new@example.test", state="pending", confirmed_at=None)
    subscriber(page_of("other"), "other@example.test")
    incident = incident_of(page, "Chat API")
    tell_all()
    assert server.by_recipient == {"all@example.test": 1, "chat@example.test": 1, "both@example.test": 1}
    incident_of(page, title="Everything is slow")
    tell_all()
    assert server.by_recipient["batch@example.test"] == 1 and server.count == 7
    assert write_letters(incident.updates.get().pk) == 0


def test_a_letter_says_what_was_said_and_ends_with_one_click(server: MailReceiver) -> None:
    page = page_of()
    subscriber(page, "reader@example.test")
    incident = incident_of(page, "Chat API")
    add_update(incident, {"state": "resolved", "text": "It works again."})
    tell_all()
    first, last = server.letters("reader@example.test")
    assert first["Subject"] == "[Acme AI] Investigating: Chat API refuses connections"
    assert last["Subject"] == "[Acme AI] Resolved: Chat API refuses connections"
    assert first["From"] == "Acme AI <vigil@acme.test>" and first["To"] == "reader@example.test"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["List-Unsubscribe"].startswith("<http") and first["List-Unsubscribe"].endswith("/unsubscribe>")
    assert page.public_id in first["List-Id"] and first["Auto-Submitted"] == "auto-generated"
    assert first["References"] == last["References"] and first["Message-ID"] != last["Message-ID"]
    body = first.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "We are looking into it." in text and "Affects Chat API." in text and "Unsubscribe: http" in text


def test_the_raw_letter_is_what_every_mail_program_reads(server: MailReceiver) -> None:
    page = page_of(title="Äcme ☂", language="de")
    subscriber(page, "reader@example.test")
    text = "We **see** errors.\n\n- `chat` is down ![x](https://elsewhere.test/x.png)\n- <img src=x>\n\n"
    text += "long " * 400
    write_letters(incident_of(page, "Chat API", text=text).updates.get().pk)
    raw = mail_of(SubscriberLetter.objects.select_related("update__incident", "subscriber__page").get()).content
    assert raw.count(b"\n") == raw.count(b"\r\n") and all(len(line) <= 998 for line in raw.split(b"\r\n"))
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii() and b"=?utf-8?" in head and all(len(line) < 300 for line in head.split(b"\r\n"))
    letter = message_from_bytes(raw, policy=default)
    assert letter.get_content_type() == "multipart/alternative" and letter.defects == []
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    assert (datetime.now(UTC) - letter["Date"].datetime) < timedelta(minutes=5)
    single = {"Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Precedence"}
    assert {name: len(letter.get_all(name, [])) for name in single} == dict.fromkeys(single, 1)
    plain, html = (part.get_content().replace("\r\n", "\n") for part in letter.iter_parts())
    assert plain.startswith("Chat API refuses connections\n\nIn Untersuchung, ") and "\n- `chat` is down" in plain
    assert html.startswith('<!doctype html>\n<html lang="de">') and '"color-scheme" content="light dark"' in html
    assert "<strong>see</strong>" in html and "<li><code>chat</code> is down" in html and "&lt;img src=x&gt;" in html
    # Nothing tells the sender that it was opened.
    assert not re.search(r"<img|<link|src=|url\(|@import|<script", html.replace("&lt;img src=x&gt;", ""))


def test_words_of_any_language_and_length_arrive_as_they_were_written(server: MailReceiver) -> None:
    page = page_of(title="Äcme, “AI” ☂")
    subscriber(page, "reader@example.test")
    text = f"Störung: {'sehr ' * 300}\n.\n--=_x\nZeile\r\nEnde."
    incident_of(page, title="Überlast <b> der \u4e2d\u6587-API " + "x" * 120, text=text)
    tell_all()
    (letter,) = server.letters()
    assert letter["From"].addresses[0].display_name == "Äcme, “AI” ☂" and letter["Subject"].startswith("[Äcme, “AI” ☂]")
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None and html is not None
    read = plain.get_content()
    assert all(line in read.splitlines() for line in text.splitlines()) and "&lt;b&gt;" in html.get_content()
    assert all(len(line) < 998 for line in bytes(letter).splitlines())


def test_letters_go_over_few_sessions(server: MailReceiver) -> None:
    page = page_of()
    for number in range(60):
        subscriber(page, f"reader-{number}@example.test")
    incident_of(page)
    tell_all()
    assert len(server.by_recipient) == server.count == 60 and server.sessions <= 20


def test_what_waited_for_more_than_a_day_is_old_news(server: MailReceiver) -> None:
    page = page_of()
    subscriber(page, "reader@example.test")
    incident = incident_of(page)
    write_letters(incident.updates.get().pk)
    SubscriberLetter.objects.update(created_at=database_now() - timedelta(hours=26))
    add_update(incident, {"state": "resolved", "text": "Over."})
    tell_all()
    (told,) = server.letters("reader@example.test")
    assert "Resolved" in told["Subject"]
    first = SubscriberLetter.objects.order_by("pk")[0]
    assert (first.state, first.last_error) == ("dead", "it has waited for more than a day")
    # Where no mail server is set, no letter is claimed, and none stays for ever.
    SubscriberLetter.objects.update(state="pending", created_at=database_now() - timedelta(hours=26))
    give_up_old_letters()
    assert set(SubscriberLetter.objects.values_list("state", flat=True)) == {"dead"}


def test_a_refused_address_is_switched_off_and_the_others_are_told(server: MailReceiver) -> None:
    page = page_of()
    gone, full = subscriber(page, "gone@example.test"), subscriber(page, "full@example.test")
    subscriber(page, "well@example.test")
    server.refuse_recipients = {
        "gone@example.test": "550 5.1.1 no such user", "full@example.test": "552 5.2.2 the mailbox is full",
    }  # fmt: skip
    incident = incident_of(page)
    tell_all()
    gone.refresh_from_db()
    full.refresh_from_db()
    assert (gone.state, gone.off_reason) == ("off", "refused") and "no such user" in gone.last_error
    assert (full.state, full.failures) == ("confirmed", 1)
    for text in ("More.", "Still more."):
        # A day later: letters of one incident are one failure.
        Subscriber.objects.filter(pk=full.pk).update(failed_at=database_now() - timedelta(days=1))
        add_update(incident, {"text": text})
        tell_all()
    full.refresh_from_db()
    assert (full.state, full.failures) == ("off", 3) and server.by_recipient == {"well@example.test": 3}
    assert SubscriberLetter.objects.filter(state="dead", subscriber=gone).count() == 1


def test_a_server_that_refuses_for_now_gets_the_letter_again_under_its_id(server: MailReceiver) -> None:
    page = page_of()
    subscriber(page, "reader@example.test")
    incident_of(page)
    server.refuse_data = {"*": "451 4.7.1 greylisted"}
    tell_all(lambda: SubscriberLetter.objects.filter(state="pending", attempts=1).exists())
    assert "451" in SubscriberLetter.objects.get().last_error
    server.refuse_data = {}
    SubscriberLetter.objects.update(due_at="2020-01-01T00:00:00Z")
    tell_all()
    letter = SubscriberLetter.objects.get()
    assert (letter.state, letter.attempts, server.count) == ("sent", 2, 1)


def test_a_newer_update_ends_the_one_before_it_that_failed(server: MailReceiver) -> None:
    page = page_of()
    subscriber(page, "reader@example.test")
    incident = incident_of(page)
    server.refuse_data = {"*": "451 later"}
    tell_all(lambda: SubscriberLetter.objects.filter(attempts=1, state="pending").exists())
    server.refuse_data = {}
    SubscriberLetter.objects.update(due_at="2020-01-01T00:00:00Z")
    add_update(incident, {"state": "resolved", "text": "Over."})
    write_letters(incident.updates.newest_first()[0].pk)
    tell_all()
    assert [letter["Subject"].split(":")[0] for letter in server.letters()] == ["[Acme AI] Resolved"]
    first = SubscriberLetter.objects.earliest("pk")
    assert (first.state, first.last_error) == ("dead", "a newer one says more")


def test_a_letter_that_fails_holds_back_no_other_news(server: MailReceiver) -> None:
    page = page_of()
    row = subscriber(page, "reader@example.test")
    write_letters(incident_of(page, title="Old").updates.get().pk)
    SubscriberLetter.objects.create(
        subscriber=row, kind=row.kind, purpose="manage", created_at=database_now(), due_at=database_now()
    )
    SubscriberLetter.objects.update(due_at="2030-01-01T00:00:00Z", attempts=1, last_error="451 later")
    incident_of(page, title="Something else")
    tell_all()
    assert [letter["Subject"] for letter in server.letters()] == ["[Acme AI] Investigating: Something else"]


def test_what_is_deleted_or_closed_is_told_to_nobody(server: MailReceiver) -> None:
    page = page_of()
    subscriber(page, "reader@example.test")
    incident = incident_of(page)
    write_letters(incident.updates.get().pk)
    delete_public_incident(incident)
    write_letters(incident_of(page, title="Another").updates.get().pk)
    save_status_page(page, {"enabled": False})
    tell_all()
    assert server.count == 0
    assert list(SubscriberLetter.objects.values_list("state", "last_error")) == [("dead", "the page is not served")]
