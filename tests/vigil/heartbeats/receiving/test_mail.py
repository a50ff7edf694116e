"""Pings by mail, over a real SMTP conversation."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from vigil.heartbeats.core.reply import PingOutcome
from vigil.heartbeats.receiving.mail import MAX_MAIL, MailPings, read_mail, smtp
from vigil.heartbeats.receiving.receiver import Answered, PingRequest

CODE = "0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"


class Taken:
    """Stands where the receiver does, and answers as it is told."""

    def __init__(self, outcome: PingOutcome = PingOutcome.ACCEPTED) -> None:
        self.outcome = outcome
        self.requests: list[PingRequest] = []

    def take(self, request: PingRequest, answered: Answered) -> None:
        self.requests.append(request)
        answered(self.outcome, 0.0)


def converse(taken: Taken, speak: Callable[[smtplib.SMTP], object], domain: str = "pings.test") -> None:
    async def serve() -> None:
        handler = MailPings(taken, domain)  # type: ignore[arg-type]
        server = await asyncio.get_running_loop().create_server(lambda: smtp(handler), "127.0.0.1", 0)
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


@pytest.mark.parametrize("address", ["someone@pings.test", f"{CODE}@elsewhere.test", f"{CODE}+what@pings.test"])
def test_what_is_no_address_of_a_heartbeat_is_refused(address: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        converse(Taken(), lambda client: client.send_message(mail("x", to=address)))


@pytest.mark.parametrize("outcome", [PingOutcome.TRY_AGAIN, PingOutcome.TOO_OFTEN])
def test_a_mail_that_was_not_kept_is_to_be_sent_again(outcome: PingOutcome) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        converse(Taken(outcome), lambda client: client.send_message(mail("x")))
    assert refused.value.smtp_code == 451


def test_a_mail_that_is_too_large_is_refused() -> None:
    taken = Taken()
    with pytest.raises(smtplib.SMTPException):
        converse(
            taken, lambda client: client.sendmail("a@b.test", [f"{CODE}@pings.test"], b"x" * 80 * (MAX_MAIL // 60))
        )
    assert not taken.requests


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Subject: =?utf-8?b?w7xiZXI=?=\n\nok", "über\nok"),
        (b"no headers at all", ""),
        (b"Subject: s\nContent-Type: text/plain; charset=nonsense\n\nbody", "s"),
        (b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\nbroken", "s"),
        (b"\xff\xfe\x00", ""),
        (b"", ""),
    ],
)
def test_whatever_a_mail_looks_like_it_is_read_or_left(raw: bytes, text: str) -> None:
    assert read_mail(raw).decode().strip().startswith(text)
