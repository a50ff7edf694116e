"""Readers subscribe, confirm, choose and leave by forms without a script; no answer tells who subscribes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from email import message_from_bytes
from email.policy import default

import pytest
from django.db import OperationalError
from django.test import Client

from tests.vigil.incidents.world import World
from tests.vigil.status.rows import SECRET, made
from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber, tell_all
from vigil.configuration import configuration
from vigil.demo.mail_receiver import MailReceiver
from vigil.guess_limits import SUBSCRIBING
from vigil.status.changes import save_status_page
from vigil.status.core.document import project
from vigil.status.core.languages import LANGUAGES
from vigil.status.core.states import UpdateState
from vigil.status.core.subscriber_terms import LetterPurpose
from vigil.status.letters.compose import mail_of, slack_of, webhook_of
from vigil.status.models import StatusPage
from vigil.status.reading import read_facts
from vigil.status.subscriber_models import Subscriber, SubscriberLetter, SubscriptionRequest
from vigil.status.subscribers.links import confirm_link, manage_link, unsubscribe_link
from vigil.web import subscribing
from vigil.web.serving.status_pages import PAGE_DOMAIN, frame_of, published_pages

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    SUBSCRIBING.forget()
    yield
    published_pages().keep_only({})
    SUBSCRIBING.forget()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Iterator[MailReceiver]:
    with mail_server(monkeypatch) as receiver:
        yield receiver


def served(page: StatusPage) -> StatusPage:
    from vigil.clock import database_now

    published_pages().publish(project(read_facts(page, database_now()), frame_of(page)))
    return page


def path(link: str) -> str:
    return link.removeprefix(configuration().base_url)


def link_of(text: str, words: str) -> str:
    found = re.search(rf"{words}: (\S+)", text)
    assert found is not None, text
    return found[1]


def asked(client: Client, address: str, **more: object) -> str:
    answer = client.post("/status/acme/subscribe", {"kind": "email", "address": address, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_reader_subscribes_to_a_component_confirms_chooses_and_leaves(server: MailReceiver) -> None:
    page = served(page_of())
    chat, batch = page.components.order_by("position")
    client = Client(enforce_csrf_checks=True)
    assert "Chat API" in client.get("/status/acme/subscribe").content.decode()
    asked(client, "Reader@Example.test", components=chat.public_id)
    tell_all()
    letter = server.letters("Reader@Example.test")[0].get_body(("plain",))
    assert letter is not None
    link = path(link_of(letter.get_content(), "Confirm"))
    assert "Confirm" in client.get(link).content.decode()
    assert Subscriber.objects.get().state == "pending"
    client.post(link)
    row = Subscriber.objects.get()
    assert (row.state, row.whole, [one.name for one in row.components.all()]) == ("confirmed", False, ["Chat API"])
    own = path(manage_link(row))
    assert client.post(own, {"do": "save", "components": batch.public_id}).status_code == 200
    assert [one.name for one in row.components.all()] == ["Batch API"]
    client.post(own, {"do": "save", "whole": "on"})
    assert Subscriber.objects.get().whole
    left = client.post(own, {"do": "unsubscribe"})
    assert "unsubscribed" in left.content.decode() and not Subscriber.objects.exists()
    assert client.get(own).content == left.content


def test_a_mail_program_unsubscribes_by_one_post_and_a_scanner_by_none() -> None:
    row = subscriber(page_of(), "reader@example.test")
    client = Client(enforce_csrf_checks=True)
    link = path(unsubscribe_link(row))
    assert client.get(link).status_code == 200 and Subscriber.objects.exists()
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Subscriber.objects.exists()
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200


def test_the_answer_is_the_same_for_whom_is_subscribed_asked_lately_or_never_heard_of(server: MailReceiver) -> None:
    page = served(page_of())
    subscriber(page, "known@example.test")
    subscriber(page, "off@example.test", state="off", off_reason="bounced")
    client = Client()
    answers = {
        asked(client, address)
        for address in ("known@example.test", "new@example.test", "new@example.test", "off@example.test")
    }
    tell_all()
    answers.add(asked(client, "new@example.test"))
    answers.add(asked(client, "n.ew+more@example.test"))
    assert len(answers) == 1
    tell_all()
    assert server.by_recipient == {"known@example.test": 1, "new@example.test": 1, "off@example.test": 1}
    outcomes = SubscriptionRequest.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["reminded", "asked", "asked_lately", "asked", "asked_lately", "asked_lately"]
    assert not any(SubscriptionRequest.objects.values_list("sealed", flat=True))


def test_one_client_is_slowed_down_and_what_is_no_address_is_refused(server: MailReceiver) -> None:
    served(page_of())
    client = Client()
    for address in ("", "nobody", "a@b@c", "reader@example.test\nBcc: all@example.test", "x" * 600):
        answer = client.post("/status/acme/subscribe", {"kind": "email", "address": address})
        assert answer.status_code == 400
    wanted = {"kind": "email", "address": "a@b.test"}
    codes = [client.post("/status/acme/subscribe", wanted).status_code for _ in range(20)]
    assert codes[0] == 200
    assert codes[-1] == 429 and not SubscriptionRequest.objects.exclude(fingerprint__regex="^[0-9a-f]{64}$").exists()


def test_another_site_cannot_ask_through_its_visitors(server: MailReceiver) -> None:
    served(page_of())
    answer = Client().post(
        "/status/acme/subscribe", {"kind": "email", "address": "a@b.test"}, headers={"origin": "https://evil.test"}
    )
    assert answer.status_code == 403 and not SubscriptionRequest.objects.exists()


def test_only_who_may_read_a_page_may_subscribe(server: MailReceiver) -> None:
    served(page_of(visibility="password", password="long enough secret"))
    client = Client()
    assert client.get("/status/acme/subscribe").status_code == 403
    assert client.post("/status/acme/subscribe", {"kind": "email", "address": "a@b.test"}).status_code == 403
    client.post("/status/acme", {"password": "long enough secret"})
    assert client.get("/status/acme/subscribe").status_code == 200
    assert client.get("/status/nobody/subscribe").status_code == 404


def test_a_reader_has_forms_and_refusals_in_the_language_that_was_chosen(server: MailReceiver) -> None:
    served(page_of(language="de"))
    client = Client()
    assert b'<html lang="de"' in client.get("/status/acme/subscribe").content
    form = client.get("/status/acme/subscribe?lang=en").content.decode()
    assert "E-mail address" in form and 'href="?lang=en&amp;kind=slack"' in form
    assert 'href="http://testserver/status/acme?lang=en"' in form
    refused = client.post("/status/acme/subscribe?lang=en", {"kind": "email", "address": "x"})
    assert b"Give a plain e-mail address" in refused.content
    answer = client.post("/status/acme/subscribe?lang=en", {"kind": "email", "address": "a@example.test"})
    assert b"within a minute" in answer.content and b"status/acme?lang=en" in answer.content
    for language, words in (("", "zu viele Versuche"), ("?lang=en", "There were too many tries")):
        for _ in range(25):
            answer = client.post(f"/status/acme/subscribe{language}", {"kind": "email", "address": "b@example.test"})
        assert answer.status_code == 429 and int(answer["Retry-After"]) > 0 and words in answer.content.decode()


def test_a_link_that_was_forged_or_is_old_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    row = subscriber(page_of(), "reader@example.test", state="pending", confirmed_at=None)
    link = path(confirm_link(row))
    client = Client()
    assert client.post(link[:-2]).status_code == 403
    manage = path(manage_link(row))
    forged = manage[:-2] + ("B" if manage[-2] == "A" else "A") + manage[-1]
    assert client.post(forged, {"do": "unsubscribe"}).status_code == 403
    monkeypatch.setattr("django.core.signing.time.time", lambda: 4_000_000_000.0)
    assert "48 hours" in client.post(link).content.decode()
    assert Subscriber.objects.get().state == "pending"


def test_while_the_database_is_away_it_is_said_plainly(server: MailReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    served(page_of())

    def refuse(*_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(subscribing, "take_request", refuse)
    answer = Client().post("/status/acme/subscribe", {"kind": "email", "address": "a@b.test"})
    assert answer.status_code == 503 and answer["Retry-After"] == "60"
    assert "Nothing was saved" in answer.content.decode()
    assert Client().get("/status/acme").status_code == 200


@pytest.mark.parametrize("tag", LANGUAGES)
def test_letters_and_bodies_hold_nothing_of_the_inside_in_any_language(server: MailReceiver, tag: str) -> None:
    page, _ = made(World())
    StatusPage.objects.filter(pk=page.pk).update(language=tag)
    subscriber(page, "reader@example.test")
    incident_of(page, "Chat API", written_by=f"{SECRET}-author")
    tell_all()
    told = SubscriberLetter.objects.select_related("subscriber__page", "update__incident").get()
    others = [
        SubscriberLetter(subscriber=told.subscriber, purpose=purpose, created_at=told.created_at)
        for purpose in (LetterPurpose.CONFIRM, LetterPurpose.MANAGE)
    ]
    contents = [server.letters()[0].as_bytes(), *(mail_of(one).content for one in others)]
    mails = [message_from_bytes(one, policy=default) for one in contents]
    texts = [part.get_content() for mail in mails for part in mail.walk() if not part.is_multipart()]
    texts += [str(slack_of(one)) for one in (told, *others)]
    said = [*texts, *map(str, mails), *(str(webhook_of(one, "major", told.created_at)) for one in (told, *others))]
    assert len(texts) == 9 and not any(SECRET in one for one in said)
    published_pages().publish(project(read_facts(page, told.created_at), frame_of(page)))
    links = [path(link(told.subscriber)) for link in (manage_link, unsubscribe_link, confirm_link)]
    forms = [Client().get(address) for address in ("/status/acme/subscribe", *links)]
    forms.append(Client().post("/status/acme/subscribe", {"kind": "x", "address": "x", "components": SECRET[:3]}))
    assert [one.status_code for one in forms] == [200, 200, 200, 200, 400]
    assert not any(SECRET in f"{one.content.decode()} {sorted(one.headers.items())}" for one in forms)
    (other,) = (words for words in LANGUAGES.values() if words.tag != tag)
    own, foreign = LANGUAGES[tag], {*strings_of(other.letters), other.subscribing.unsubscribe}
    assert own.updates[UpdateState.INVESTIGATING] in texts[0] and "Chat API" in texts[0] and "Chat API" in texts[6]
    assert [(words, one) for words in foreign for one in texts if words in one] == []


def strings_of(words: object) -> list[str]:
    """Whole sentences of a part of a language."""
    return [text for each in fields(words) if "{" not in (text := getattr(words, each.name))]  # type: ignore[arg-type]


def test_forms_and_notices_are_in_the_language_of_the_page_or_of_the_browser(server: MailReceiver) -> None:
    row = subscriber(served(page_of(language="de")), "reader@example.test")
    client = Client()
    form = client.get("/status/acme/subscribe").content.decode()
    assert '<html lang="de"' in form and "Nachrichten von <bdi>Acme AI</bdi> abonnieren" in form
    wrong = client.post("/status/acme/subscribe", {"kind": "email", "address": "nobody"}).content.decode()
    assert "1 Angabe ist zu prüfen" in wrong and "Geben Sie eine einfache E-Mail-Adresse an" in wrong
    own = client.get(path(manage_link(row))).content.decode()
    assert "Sie erhalten Nachrichten per E-Mail." in own and "Abbestellen" in own
    assert "Hier ist nichts" in client.get("/status/acme/none").content.decode()
    german = Client(headers={"accept-language": "de-AT,de;q=0.9,en;q=0.8"})
    assert "Dieser Link ist unvollständig" in german.get("/subscriptions/x~y").content.decode()
    assert "incomplete" in client.get("/subscriptions/x~y").content.decode()


def test_on_the_domain_of_its_page_a_link_works_and_on_that_of_another_it_does_not() -> None:
    row = subscriber(page_of(domain="status.acme.test"), "reader@example.test")
    origin, _, own = unsubscribe_link(row).partition("/subscriptions/")
    assert origin == "http://status.acme.test" and not manage_link(row).startswith(configuration().base_url)
    client = Client()
    client.defaults[PAGE_DOMAIN] = "status.other.test"
    assert client.get(f"/subscriptions/{own}").status_code == 403
    assert client.post(path(manage_link(row)), {"do": "unsubscribe"}).status_code == 403 and Subscriber.objects.exists()
    client.defaults[PAGE_DOMAIN] = "status.acme.test"
    assert client.get(f"/subscriptions/{own}").status_code == 200
    # Who leaves, leaves: the domain may be that of another page by now.
    client.defaults[PAGE_DOMAIN] = "status.other.test"
    assert client.post(f"/subscriptions/{own}").status_code == 200 and not Subscriber.objects.exists()


def test_a_subscription_names_components_to_readers_of_the_page_alone() -> None:
    page = served(page_of(visibility="password", password="long enough secret"))
    row, client = subscriber(page, "reader@example.test", "Chat API"), Client()
    own = path(manage_link(row))
    assert "Chat API" not in client.get(own).content.decode()
    client.post(own, {"do": "save", "whole": "on"})
    assert not Subscriber.objects.get().whole
    client.post("/status/acme", {"password": "long enough secret"})
    assert "Chat API" in client.get(own).content.decode()
    save_status_page(page, {"enabled": False})
    assert "Chat API" not in client.get(own).content.decode()
    client.post(own, {"do": "unsubscribe"})
    assert not Subscriber.objects.exists()
