"""Pings by mail, over a real SMTP conversation."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import time
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vigil.heartbeats import fuzz
from vigil.heartbeats.core.pings.address import read_target
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.receiving import mail as mail_module
from vigil.heartbeats.receiving.mail import MailPings, PingSmtp, open_conversations
from vigil.heartbeats.receiving.mail_text import MAX_TEXT, read_mail
from vigil.heartbeats.receiving.receiver import Answered, PingRequest

CODE = "0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"
#: What mails are made of, to be put together in no sensible order.
PIECES = (
    b"Subject: =?utf-8?b?w7xiZXI=?=\n",
    b"Subject: =?x?q?=ED=A0=BD?=\n",
    b"Subject: =?utf-8?b?w?=\r\n",
    b"\n",
    b"\r\n",
    b'Content-Type: multipart/mixed; boundary="x\n',
    b"Content-Type: multipart/alternative; boundary=x\n",
    b"--x\n",
    b"--x--\r\n",
    b"Content-Type: text/plain; charset*=utf-8''%ff\n",
    b"Content-Type: text/html; charset=undefined\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: x-uuencode\n",
    b"begin 666 a\n#0V%T\n",
    b"YQ=\n",
    b"Content-Type: multipart/mixed; boundary*=idna''%ff\n",
    b"Content-Type: message/rfc822\n",
    b"\xff\xfe\0",
    b"Content-Disposition: attachment\n",
    b" folded; a=b\n",
    b"x" * 90,
)


class Taken:
    """Stands where the receiver does, and answers as it is told."""

    def __init__(self, outcome: PingOutcome = PingOutcome.ACCEPTED) -> None:
        self.outcome = outcome
        self.requests: list[PingRequest] = []
        self.words: tuple[bytes, ...] = ()

    def words_of(self, target: str) -> tuple[bytes, ...]:
        return self.words

    def take(self, request: PingRequest, answered: Answered) -> None:
        self.requests.append(request)
        answered(self.outcome, 0.0)


def converse(taken: Taken, speak: Callable[[smtplib.SMTP], object], domain: str = "pings.test") -> None:
    async def serve() -> None:
        handler = MailPings(taken, domain, lambda address: address.code == CODE)  # type: ignore[arg-type]
        peers = open_conversations()
        server = await asyncio.get_running_loop().create_server(lambda: PingSmtp(handler, peers), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        def talk() -> None:
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                speak(client)

        async with server:
            await asyncio.to_thread(talk)

    asyncio.run(serve())


def mail(text: str, subject: str = "Backup", to: str = f"{CODE}@pings.test") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "cron@host.test", to, subject
    message.set_content(text)
    return message


def test_a_mail_is_a_ping_with_its_subject_and_text_as_the_body() -> None:
    taken = Taken()
    converse(taken, lambda client: client.send_message(mail("all done\n", "Backup of 24.11.")))
    [request] = taken.requests
    assert (request.target, request.method) == (f"/{CODE}", "EMAIL")
    assert request.body == b"Backup of 24.11.\nall done\n"


def test_a_plus_in_the_address_says_more() -> None:
    taken = Taken()
    converse(taken, lambda client: client.send_message(mail("x", to=f"{CODE.upper()}+fail@PINGS.test")))
    assert taken.requests[0].target == f"/{CODE}/fail"


@pytest.mark.parametrize("says", ["KILL", "-1", "3221225477", "1", "0xC0000005", ""])
def test_b2_01_whatever_comes_behind_the_plus_is_what_became_of_the_run(says: str) -> None:
    taken = Taken()
    converse(taken, lambda client: client.sendmail("a@b.test", [f"{CODE}+{says}@pings.test"], b"Subject: s\r\n\r\nx"))
    call = read_target(taken.requests[0].target)
    assert call is not None and call.kind is PingKind.FAIL


@pytest.mark.parametrize("address", ["someone@pings.test", f"{CODE}@elsewhere.test"])
def test_what_is_no_address_of_a_heartbeat_is_refused(address: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        converse(Taken(), lambda client: client.send_message(mail("x", to=address)))


@pytest.mark.parametrize("outcome", [PingOutcome.TRY_AGAIN, PingOutcome.TOO_OFTEN])
def test_a_mail_that_was_not_kept_is_to_be_sent_again(outcome: PingOutcome) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        converse(Taken(outcome), lambda client: client.send_message(mail("x")))
    assert refused.value.smtp_code == 451


def test_a_mail_that_is_too_large_by_far_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "MAX_MAIL", 100_000)
    taken = Taken()
    with pytest.raises(smtplib.SMTPException):
        converse(taken, lambda client: client.sendmail("a@b.test", [f"{CODE}@pings.test"], b"x" * 120_000))
    assert not taken.requests


def heard_of(message: EmailMessage | bytes, *words: bytes) -> PingRequest:
    taken = Taken()
    taken.words = words
    raw = message if isinstance(message, bytes) else message.as_bytes()
    converse(taken, lambda client: client.sendmail("a@b.test", [f"{CODE}@pings.test"], raw))
    return taken.requests[0]


FAILED = b"Subject: s\r\nContent-Type: %s\r\n\r\nFailed: \x81berlauf\r\n"
HTML = b"Subject: s\r\nContent-Type: text/html\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (FAILED % b"text/plain; charset=cp-850", "überlauf"),
        (FAILED.replace(b"\x81", b"\xfc") % b"text/plain; charset=nonsense", "überlauf"),
        (FAILED.replace(b"\x81", b"\xfc") % b"text/plain; charset=x-latin-1", "überlauf"),
        (FAILED % b"text/plain; charset=idna", "Failed"),
        (FAILED % b"multipart/mixed; boundary=none", "Failed"),
        (FAILED % b"text/markdown", "Failed"),
        (HTML + b"<style>.ok{}</style><p>Fa<b>il</b>&shy;ed:&nbsp;disk full", "Failed: disk full"),
        (b"Subject: Fwd\r\nContent-Type: message/rfc822\r\n\r\nSubject: Failed\r\n\r\ndisk", "disk"),
    ],
)
def test_b2_20_a_mail_is_read_in_any_charset_and_form(raw: bytes, word: str) -> None:
    assert word in heard_of(raw).body.decode()


def test_b2_20_an_empty_part_is_no_body() -> None:
    message = mail("")
    message.add_alternative("<p>Result: <b>Failed</b></p>", subtype="html")
    assert "Result: Failed" in heard_of(message).body.decode()


def test_b2_20_the_html_counts_where_the_text_says_less() -> None:
    message = mail("This mail is in HTML.")
    message.add_alternative("<p>Result: <b>Failed</b></p>", subtype="html")
    assert heard_of(message).body.decode() == "Backup\nThis mail is in HTML.\n\nResult: Failed"


@pytest.mark.parametrize("first", [False, True])
def test_b2_20_an_attached_log_is_dropped_beside_the_words(first: bool) -> None:
    text = b"--x\r\nContent-Type: text/plain\r\n\r\nFailed\r\n"
    log = b"--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n" + b"line\r\n" * 200_000
    parts = log + text if first else text + log
    raw = b"Subject: s\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x--\r\n"
    assert heard_of(raw).body.decode().split() == ["s", "Failed"]


def test_b2_20_words_behind_what_is_kept_and_lines_of_any_length_are_heard() -> None:
    request = heard_of(b"Subject: s\r\n\r\n" + b"a" * 150_000 + b" Failed", b"Failed", b"Other")
    assert (request.heard, len(request.body)) == (b"Failed", 100_000)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Subject: =?utf-8?b?w7xiZXI=?=\n\nok", "über\nok"),
        (b"no headers at all", "no headers at all"),
        (b"Subject: s\nContent-Type: text/plain; charset=nonsense\n\nbody", "s"),
        (b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\nbroken", "s"),
        (b"\xff\xfe\x00", ""),
        (b"", ""),
        # Forms that mail programs and scripts really send.
        (b"Subject: s\nContent-Transfer-Encoding: base64\n\nBackup Failed", "s\nBackup Failed"),
        (b"Subject: s\nContent-Transfer-Encoding: Base64\n\nRmFpb\nGVkIQ", "s\nFailed!"),
        (b"Subject: s\n\n<html><body>Fai<b>led</b></body></html>", "s\nFailed"),
        (b"Subject: ok\nSubject: Failed\n\n", "ok Failed"),
        (b'Subject: s\nContent-Type: application/json\n\n{"a":"Failed"}', 's\n{"a":"Failed"}'),
        (b"Subject: s\nContent-Type: message/rfc822\n\nSubject: Failed\n\nbody", "s\nFailed\nbody"),
        (b"Subject: s\nContent-Type: message/delivery-status\n\nAction: failed", "s\nAction: failed"),
        (b"\xef\xbb\xbfSubject: Failed\n\n", "Failed"),
        (b"Backup\nFailed", "Backup\nFailed"),
    ],
)
def test_whatever_a_mail_looks_like_it_is_read_or_left(raw: bytes, text: str) -> None:
    assert read_mail(raw).decode().strip().startswith(text)


def test_html_is_read_where_there_is_no_plain_text_and_attachments_are_not() -> None:
    message = mail("")
    message.set_content("<b>done</b>", subtype="html")
    message.add_attachment("a secret list", filename="list.txt")
    assert read_mail(message.as_bytes()) == b"Backup\ndone"
    message = mail("plain\n")
    message.add_alternative("<b>html</b>", subtype="html")
    message.make_mixed()
    message.add_attachment(b"\0" * 500, maintype="application", subtype="zip")
    assert read_mail(message.as_bytes(policy=message.policy.clone(linesep="\r\n"))) == b"Backup\nplain\n\nhtml"


def parts(count: int) -> bytes:
    return b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\nContent-Type: a/b\n\n\n" * count


def nested(depth: int) -> bytes:
    heads = [b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)]
    return b"Subject: s\n" + b"".join(heads)


COSTLY = {
    "many parts": parts(40_000),
    "deep parts": nested(20_000),
    "many parameters": b"Subject: s\nContent-Type: text/plain" + b"".join(b";\r\n a%d=b" % n for n in range(60_000)),
    "an open quote": b'Subject: s\nContent-Type: text/plain; a="' + b";" * 900_000,
    "comments": b"Subject: s\nContent-Type: " + b"(" * 900_000,
    "many headers": b"Subject: s\n" + b"A: b\n" * 150_000,
    "a long subject": b"Subject: " + b"=?utf-8?q?a?= " * 60_000,
    "a slow character set": b"Subject: s\nContent-Type: text/plain; charset=punycode\n\n" + b"a-" * 400_000,
    "blank lines": b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x" + b" \t" * 400_000,
}


@pytest.mark.parametrize("raw", COSTLY.values(), ids=COSTLY.keys())
def test_s12_no_mail_takes_long_to_read(raw: bytes) -> None:
    begun_s = time.process_time()
    read_mail(raw)
    assert time.process_time() - begun_s < 0.5


@given(st.binary(max_size=2_000) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_s12_no_mail_breaks_the_reading(raw: bytes) -> None:
    assert len(read_mail(raw)) <= 4 * (MAX_TEXT + 1_001)


def test_s12_a_mail_to_an_unknown_address_is_accepted_and_never_read() -> None:
    taken = Taken()
    other = "99999999-5a54-4d3e-9d0e-0d3f9a1b2c3d"
    converse(taken, lambda client: client.send_message(mail("x", to=f"{other}@pings.test")))
    assert not taken.requests


def test_s12_more_conversations_than_allowed_make_room_for_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Taken()
    monkeypatch.setattr("vigil.heartbeats.receiving.mail.MAX_OF_PEER", 20)

    def speak(client: smtplib.SMTP) -> None:
        assert client.sock is not None
        silent = [socket.create_connection(client.sock.getpeername(), timeout=10) for _ in range(60)]
        try:
            host, port = client.sock.getpeername()
            with smtplib.SMTP(host, port, timeout=10) as honest:
                honest.send_message(mail("x"))
        finally:
            for connection in silent:
                connection.close()
            client.close()

    with contextlib.suppress(smtplib.SMTPServerDisconnected):
        converse(taken, speak)
    assert len(taken.requests) == 1


@pytest.mark.parametrize("peers", [1, 50], ids=["of one peer", "of many peers"])
def test_s12_three_hundred_conversations_that_wait_stop_no_mail(peers: int) -> None:
    taken = Taken()
    half = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<%s@pings.test>\r\nDATA\r\nhalf" % CODE.encode()
    kinds = (b"", b"EHL", b"EHLO a\r\n", half, half + b"x" * 200_000, bytes.fromhex("16030100f8010000f40303"))

    def speak(client: smtplib.SMTP) -> None:
        assert client.sock is not None
        host, port = client.sock.getpeername()
        for said in kinds:
            waiting = [
                socket.create_connection((host, port), 10, (f"127.0.0.{2 + number % peers}", 0))
                for number in range(300)
            ]
            for connection in waiting:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(said)
            with smtplib.SMTP(host, port, timeout=10) as honest:
                honest.send_message(mail("x"))
            for connection in waiting:
                connection.close()

    with contextlib.suppress(smtplib.SMTPServerDisconnected):
        converse(taken, speak)
    assert len([request for request in taken.requests if b"x" in request.body]) == len(kinds)


def test_a_failure_by_mail_counts_without_a_text_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigil.heartbeats.receiving.mail.READ_S", 0.0)
    taken = Taken()

    def speak(client: smtplib.SMTP) -> None:
        client.send_message(mail("x", to=f"{CODE}+fail@pings.test"))
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.send_message(mail("x"))
        assert refused.value.smtp_code == 451

    converse(taken, speak)
    assert [(request.target, request.body) for request in taken.requests] == [(f"/{CODE}/fail", b"")]


def test_s12_a_conversation_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigil.heartbeats.receiving.mail.SESSION_S", 0.3)

    def speak(client: smtplib.SMTP) -> None:
        ends_s = time.monotonic() + 10
        while time.monotonic() < ends_s:
            client.noop()
        pytest.fail("it goes on for as long as something is said")

    with pytest.raises(smtplib.SMTPServerDisconnected):
        converse(Taken(), speak)


def test_p1_thousands_of_odd_lines_leave_mails_taken() -> None:
    taken = Taken()
    recipients = [f"{CODE}@pings.test".encode(), b"someone@pings.test", b"\xff@\0", b"a" * 400]

    def speak(client: smtplib.SMTP) -> None:
        assert client.sock is not None
        fuzz.pipeline(client.sock.getpeername()[1], fuzz.smtp(recipients), seed=14, requests=3_000, together=10)
        host, port = client.sock.getpeername()
        with smtplib.SMTP(host, port, timeout=10) as honest:
            honest.send_message(mail("the last"))

    with contextlib.suppress(smtplib.SMTPServerDisconnected):
        converse(taken, speak)
    assert b"the last" in taken.requests[-1].body
