"""Settings are refused before they are saved, and what is sent goes where it may."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from email import message_from_string
from email.policy import default as default_policy
from typing import Any

import msgspec
import pytest
import trustme

from tests.vigil.alerts.told import OUTAGE as ALERT
from vigil.alerts.channels import CHANNELS, ChannelError, ChannelSettingsError, check_channel, email
from vigil.alerts.channels.apprise import SCHEMES, library
from vigil.alerts.channels.kind import Accepted, ReceiverCall
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.wording.message import message_of
from vigil.configuration import AlertEgress, configuration

SECRET = {"secret": "whsec_" + "A" * 32}
SMS = {"to": "+15550000001", "sender": "+15550000002", "account": "AC" + "0" * 32}


def test_apprise_gets_only_schemes_whose_host_nobody_can_choose() -> None:
    known: dict[str, str] = {}
    for service in library().Apprise().details()["schemas"]:
        forms = " ".join(service["details"]["templates"])
        known |= dict.fromkeys([*(service["protocols"] or ()), *(service["secure_protocols"] or ())], forms)
    assert len(SCHEMES) > 70
    for scheme in SCHEMES:
        assert scheme in known
        assert "{host" not in known[scheme] and "keyfile" not in known[scheme], scheme


@pytest.mark.parametrize(
    ("kind", "config", "secrets", "field"),
    [
        ("carrier-pigeon", {}, {}, "kind"),
        ("webhook", {}, SECRET, "config"),
        ("webhook", {"url": "ftp://x"}, SECRET, "config"),
        ("webhook", {"url": "https://u:p@x.test"}, SECRET, "config"),
        ("webhook", {"url": "https://x.test/\r\nX: y"}, SECRET, "config"),
        ("webhook", {"url": "https://x.test", "more": 1}, SECRET, "config"),
        ("webhook", {"url": "https://x.test"}, {}, "secrets"),
        ("webhook", {"url": "https://x.test"}, {"secret": "short"}, "secrets"),
        ("webhook", {"url": "https://x.test"}, {**SECRET, "more": "x"}, "secrets"),
        ("pagerduty", {}, {"routing_key": "no"}, "secrets"),
        ("slack", {}, {"url": "nonsense"}, "secrets"),
        ("slack", {}, {}, "secrets"),
        ("slack", {"channel": "C1"}, {"url": "https://x.test/y", "token": "xoxb-1"}, "secrets"),
        ("slack", {}, {"token": "xoxb-1"}, "config"),
        ("slack", {"channel": "C1"}, {"token": "nonsense"}, "secrets"),
        ("telegram", {"chat": "1"}, {"token": "nonsense"}, "secrets"),
        ("telegram", {"chat": "some one"}, {"token": "123:" + "A" * 35}, "config"),
        ("telegram", {}, {"token": "123:" + "A" * 35}, "config"),
        ("discord", {}, {}, "secrets"),
        ("teams", {}, {"url": "ftp://x"}, "secrets"),
        ("google_chat", {}, {"url": "https://chat.test/v1/spaces/x/messages"}, "secrets"),
        ("ntfy", {}, {"topic": "a b"}, "secrets"),
        ("jsm", {}, {}, "secrets"),
        ("opsgenie", {"url": "nonsense"}, {"api_key": "k"}, "config"),
        ("sms", {**SMS, "to": "555"}, {"token": "t"}, "config"),
        ("sms", {**SMS, "account": "x"}, {"token": "t"}, "config"),
        ("sms", {**SMS, "segments": 99}, {"token": "t"}, "config"),
        ("apprise", {}, {"url": "json://127.0.0.1/"}, "secrets"),
        ("apprise", {}, {"url": "mailtos://u:p@x.test"}, "secrets"),
        ("apprise", {}, {"url": "syslog://"}, "secrets"),
        ("apprise", {}, {"url": "pover://" + "u" * 30 + "@" + "t" * 30 + "?verify=no"}, "secrets"),
        ("apprise", {}, {"url": "pover://nonsense"}, "secrets"),
        ("email", {"to": []}, {}, "config"),
        ("email", {"to": ["a@b.c\nBcc: d@e.f"]}, {}, "config"),
        ("email", {"to": "a@b.c"}, {}, "config"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    kind: str, config: Mapping[str, Any], secrets: Mapping[str, str], field: str
) -> None:
    with pytest.raises(ChannelSettingsError) as refused:
        check_channel(kind, config, secrets)
    assert refused.value.field == field
    assert "\n" not in refused.value.problem


@pytest.mark.parametrize(
    ("kind", "config", "secrets"),
    [
        ("webhook", {"url": "https://x.test/a?b=c"}, SECRET),
        ("pagerduty", {}, {"routing_key": "0" * 32}),
        ("slack", {}, {"url": "https://hooks.slack.test/x"}),
        ("slack", {"channel": "C0123"}, {"token": "xoxb-obviously-fake"}),
        ("telegram", {"chat": "-100123", "topic": 4}, {"token": "123:" + "A" * 35}),
        ("discord", {}, {"url": "https://discord.test/api/webhooks/1/x"}),
        ("teams", {}, {"url": "https://flows.test/x"}),
        ("google_chat", {}, {"url": "https://chat.test/v1/spaces/x/messages?key=k&token=t"}),
        ("ntfy", {}, {"topic": "a-b_c", "token": "tk_fake"}),
        ("jsm", {}, {"api_key": "fake"}),
        ("alertmanager", {"url": "http://alertmanager.test:9093/below"}, {"basic": "vigil:fake"}),
        ("opsgenie", {"url": "https://api.eu.opsgenie.test/v2/alerts"}, {"api_key": "fake"}),
        ("sms", SMS, {"token": "fake"}),
        ("apprise", {}, {"url": "pover://" + "u" * 30 + "@" + "t" * 30}),
        ("email", {"to": ["a@b.c"]}, {}),
    ],
)
def test_good_settings_are_taken(kind: str, config: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    check_channel(kind, config, secrets)


def post(url: str, egress: AlertEgress) -> int:
    async def go() -> int:
        outbound = GuardedOutbound(egress)
        try:
            return (await outbound.call(ReceiverCall(url, b"{}"))).code
        finally:
            await outbound.close()

    return asyncio.run(go())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://10.0.0.1/"])
def test_t_sec_16_alerts_do_not_go_to_addresses_that_are_not_public(url: str) -> None:
    with pytest.raises(ChannelError, match="not public") as refused:
        post(url, AlertEgress.PUBLIC)
    assert refused.value.permanent


def test_metadata_services_are_never_told_anything() -> None:
    with pytest.raises(ChannelError) as refused:
        post("http://169.254.169.254/", AlertEgress.PRIVATE)
    assert refused.value.permanent


def test_a_redirect_is_not_followed(receiver: Any) -> None:
    receiver.answers["/a"] = [(302, {"location": receiver.url("/b")})]
    assert post(receiver.url("/a"), AlertEgress.PRIVATE) == 302
    assert not receiver.at("/b")


def test_t_sec_16_an_error_does_not_repeat_the_address() -> None:
    with pytest.raises(ChannelError) as refused:
        post("http://127.0.0.1:1/hush", AlertEgress.PRIVATE)
    assert "hush" not in str(refused.value) and not refused.value.permanent


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, greeting: str = "220 hi", recipient: str = "250 ok") -> None:
        self.greeting, self.recipient, self.refused = greeting, recipient, "-"
        self.secure: ssl.SSLContext | None = None
        self.letters: list[str] = []
        super().__init__(("127.0.0.1", 0), MailSession)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class MailSession(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.say(self.server.greeting)
        while line := self.rfile.readline().decode().strip().upper():
            if line.startswith("DATA"):
                self.say("354 go")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                self.server.letters.append("".join(lines))
                self.say("250 kept")
            elif line.startswith("RCPT"):
                self.say("550 nobody" if self.server.refused in line else self.server.recipient)
            elif line.startswith("EHLO") and self.server.secure is not None:
                self.say("250-here")
                self.say("250 STARTTLS")
            elif line.startswith("STARTTLS") and self.server.secure is not None:
                self.say("220 go")
                with contextlib.suppress(ssl.SSLError, OSError):
                    self.server.secure.wrap_socket(self.connection, server_side=True)
                return
            elif line.startswith("QUIT"):
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    server = MailServer()
    monkeypatch.setenv("VIGIL_EMAIL_URL", f"smtp://127.0.0.1:{server.server_address[1]}")
    configuration.cache_clear()
    yield server
    configuration.cache_clear()
    server.shutdown()
    server.server_close()


LETTER = email.Letter(
    subject="DOWN: é", text="t\n", html="<p>t</p>", id="dlv_1", thread="inc_1",
    date="Wed, 02 Jan 2030 03:04:05 +0000",
)  # fmt: skip


def handed_in(letter: email.Letter = LETTER, *to: str) -> Accepted:
    config = email.EmailConfig(to=list(to) or ["ops@x.test"])
    return asyncio.run(CHANNELS["email"].send(None, config, {}, letter))  # type: ignore[arg-type]


def write() -> str:
    return handed_in().answer


def test_f23_a_letter_arrives_in_its_thread_with_the_senders_domain(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_EMAIL_FROM", "Vigil <vigil@straße.example>")
    configuration.cache_clear()
    assert handed_in(LETTER, "ops@x.test", "ops@bücher.test").answer == "250"
    (letter,) = mail.letters
    assert "References: <inc_1@xn--strae-oqa.example>" in letter
    assert "Message-ID: <dlv_1@xn--strae-oqa.example>" in letter
    assert "From: Vigil <vigil@xn--strae-oqa.example>" in letter
    assert "To: ops@x.test, ops@xn--bcher-kva.test" in letter


@pytest.mark.parametrize(
    "subject",
    [
        "DOWN: " + "x" * 90 + " fails",
        "DOWN: api: the certificate of " + "y" * 60,
        "é" * 200,
        'DOWN: [Acme, Inc; "AI" <b>] DB, move; \\ now 🚀',
    ],
)
def test_f23_a_subject_reads_as_it_was_written(mail: MailServer, subject: str) -> None:
    handed_in(msgspec.structs.replace(LETTER, subject=subject))
    found = message_from_string(mail.letters[0], policy=default_policy)["Subject"]
    assert str(found) == subject
    assert "Subject: \r\n" not in mail.letters[0] and "Subject:\r\n" not in mail.letters[0]
    assert "??=" not in mail.letters[0]


def test_f23_a_recipient_who_is_refused_beside_others_is_told(mail: MailServer) -> None:
    mail.refused = "BOB@X.TEST"
    accepted = handed_in(LETTER, "ops@x.test", "bob@x.test")
    assert accepted.answer == "250"
    assert accepted.missed == "but the mail server refused bob@x.test (550 nobody)"


def test_f23_the_votes_of_an_incident_stand_once_in_a_letter() -> None:
    letter = email.render(message_of(ALERT), email.EmailConfig(to=["ops@x.test"]))
    for vote in ALERT.evidence.votes:
        assert letter.text.count(vote.region) == 1


def test_f23_a_certificate_that_is_not_trusted_is_told_with_the_reason(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    mail.secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(mail.secure)
    monkeypatch.setenv("VIGIL_EMAIL_URL", f"smtp://localhost:{mail.server_address[1]}")
    configuration.cache_clear()
    with pytest.raises(ChannelError, match=r"its certificate cannot be trusted: (unable|self)"):
        write()


def test_a_recipient_refused_for_good_is_permanent(mail: MailServer) -> None:
    mail.recipient = "550 nobody"
    with pytest.raises(ChannelError) as refused:
        write()
    assert refused.value.permanent


def test_a_recipient_refused_for_now_is_tried_again(mail: MailServer) -> None:
    mail.recipient = "450 later"
    with pytest.raises(ChannelError) as refused:
        write()
    assert not refused.value.permanent


def test_a_mail_server_that_is_not_there_is_tried_again(mail: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_EMAIL_URL", "smtp://127.0.0.1:1")
    configuration.cache_clear()
    with pytest.raises(ChannelError) as refused:
        write()
    assert not refused.value.permanent


def test_s21_a_password_is_not_sent_in_clear_to_a_server_without_starttls(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **kinds: real("127.0.0.1", *more, **kinds))
    for host, secret in (("mail.example.test", ""), ("mail.example.test", "ops:fake-password@")):
        monkeypatch.setenv("VIGIL_EMAIL_URL", f"smtp://{secret}{host}:{mail.server_address[1]}")
        configuration.cache_clear()
        if secret:
            with pytest.raises(ChannelError, match="STARTTLS") as refused:
                write()
            assert not refused.value.permanent
        else:
            assert write() == "250"
    assert len(mail.letters) == 1


def test_without_a_mail_server_the_setting_is_named() -> None:
    with pytest.raises(ChannelError, match="VIGIL_EMAIL_URL") as refused:
        write()
    assert refused.value.permanent
