"""Boundaries behind which jobs, mail servers, browsers and receivers write: pings, mails, requests, answers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import Mock

import msgspec
from django.core.handlers.wsgi import WSGIRequest

from tests.poison.boundary import Boundary, assert_storable, packed
from tests.poison.changes import ODD_TEXTS, WRITTEN, changed, changed_bytes
from tests.probes.hostile_results import TEXTS
from tests.vigil.alerts.channels.test_hostile_receivers import SECRETS, document, kept
from tests.vigil.alerts.channels.test_hostile_receivers import assert_storable as assert_kept
from tests.vigil.heartbeats import fuzz
from tests.vigil.heartbeats.receiving.test_mail import CODE, PIECES
from vigil.alerts.channels.kind import ReceiverAnswer
from vigil.alerts.oncall.callbacks import CALLBACKS, CallbackError, CallbackRequest
from vigil.heartbeats.core.lifecycle import on_ping
from vigil.heartbeats.core.pings.address import read_target
from vigil.heartbeats.core.pings.body import Keywords, last_words, text_of, understood
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.core.pings.wire import Address, LogEntry, Method, Ping, decode, encode
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind
from vigil.heartbeats.core.states import HeartbeatState, PingFacts, Terms
from vigil.heartbeats.receiver_gaps import instant
from vigil.heartbeats.receiving.mail import _target
from vigil.heartbeats.receiving.mail_text import MAX_TEXT, read_mail
from vigil.heartbeats.receiving.ping_connection import PingConnection
from vigil.heartbeats.receiving.receiver import Answered, PingRequest, stamped
from vigil.strict_json import InputProblem, read_json
from vigil.web.middleware.admission import Utf8Requests, _problem, _texts
from vigil.web.serving.server import environ_of

AT_US = 1_800_000_000_000_000
NOW = datetime.fromtimestamp(AT_US / 1e6, UTC)
PING = Ping("0195f3c8-4e5a-7d3e-9d0e-0d3f9a1b2c3d", AT_US, Address(CODE), rid="a", body=b'{"error":"x","tokens":5}')
TERMS = Terms(JobSchedule(ScheduleKind.PERIOD, timedelta(hours=1)), grace=timedelta(minutes=5))
FACTS = {"items": 3, "tokens": 5, "cost": 0.5, "model": "m-1", "error": "no", "more": {"a": [1]}}
KEYWORDS = Keywords(("done",), ("error",), ("start",))


def written(*samples: object) -> Callable[[Random], bytes]:
    """Makes JSON of these documents with parts and bytes of it changed, halves of characters as escapes or as bytes."""

    def made(dice: Random) -> bytes:
        text = json.dumps(changed(dice.choice(samples), dice, WRITTEN), ensure_ascii=bool(dice.randrange(2)))
        return changed_bytes(text.encode("utf-8", "surrogatepass"), dice)

    return made


def read_log_entry(payload: bytes) -> None:
    try:
        entry = decode(payload)
    except msgspec.DecodeError:
        return
    for ping in entry.pings:
        read_ping(ping)


def read_ping(ping: Ping) -> None:
    """What heartbeats applies and stores of a ping."""
    meant, facts = understood(ping, KEYWORDS)
    effect = on_ping(HeartbeatState(), TERMS, PingFacts(instant(ping.at_us), meant.kind, meant.rid, facts))
    assert_storable([facts.as_stored(), ping.rid, ping.agent, ping.origin, text_of(ping.body), last_words(ping.body)])
    assert effect.why


def request_by_chance(dice: Random) -> PingRequest:
    says = dice.choice(("", "", "/fail", "/start", "/255", "/256", "/²", "/999999"))
    target = f"/ping/{CODE}{says}?rid={dice.choice((*TEXTS[:-1], *ODD_TEXTS))}&create=1"
    if dice.randrange(4) == 0:
        at = dice.randrange(len(target))
        target = target[:at] + dice.choice(("\0", "\ud83d", "%00", "ÿ", "/", "?")) + target[at + 1 :]
    return PingRequest(target, Method.POST, "::1", dice.choice(TEXTS), written(FACTS)(dice), dice.randrange(10**7))


def read_request(request: PingRequest) -> None:
    call = read_target(request.target)
    if call is not None:
        ping = stamped(call, request, AT_US)
        (read,) = decode(encode(LogEntry(1, "r", [ping]))).pings
        read_ping(read)


def stream_by_chance(dice: Random) -> bytes:
    paths = [f"/ping/{CODE}".encode(), b"/", b"/healthz", b"*", b"/\xff\xed\xa0\xbd?a=%00"]
    made = fuzz.http(paths)
    return b"".join(made(dice) for _ in range(dice.randint(1, 4)))


def read_stream(said: bytes) -> None:
    """One packet of a connection: every request in it is answered, or the connection ends with one refusal."""
    asyncio.run(one_packet(said))


async def one_packet(said: bytes) -> None:
    server, transport = Mock(now=lambda: 0.0), Mock(is_closing=lambda: False, get_extra_info=lambda _: None)

    def take(request: PingRequest, answered: Answered) -> None:
        read_request(request)
        answered(PingOutcome.ACCEPTED, 0.0)

    server.receiver.take = take
    connection = PingConnection(server)
    connection.connection_made(transport)
    connection.data_received(said)
    connection.eof_received()
    connection.connection_lost(None)


def mail_by_chance(dice: Random) -> bytes:
    return changed_bytes(b"".join(dice.choice(PIECES) for _ in range(dice.randrange(30))), dice)


def read_one_mail(raw: bytes) -> None:
    text = read_mail(raw)
    assert len(text) <= 4 * (MAX_TEXT + 1_001)
    read_ping(msgspec.structs.replace(PING, body=text))


def read_address(raw: bytes) -> None:
    target = _target(raw.decode("utf-8", "surrogateescape"), "pings.test")
    assert target is None or read_target(target) is not None


def read_body(payload: bytes) -> None:
    try:
        found = read_json(payload)
    except InputProblem:
        return
    assert_storable(found)


def scope_by_chance(dice: Random) -> tuple[dict[str, Any], bytes]:
    """A request as the server gives it: any bytes in its head, its path decoded."""

    def odd() -> bytes:
        return dice.choice((*TEXTS[:-1], *ODD_TEXTS)).encode("utf-8", "surrogatepass")[:3_000]

    kinds = (b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"application/json", odd())
    headers = [
        (b"content-type", dice.choice(kinds)),
        (b"cookie", b"sessionid=" + odd()),
        (b"x-a", odd()),
        (odd(), b"x"),
    ]
    scope = {
        "method": dice.choice(("GET", "POST", "PATCH", "PROPFIND")), "http_version": "1.1", "headers": headers,
        "path": "/" + odd().decode("utf-8", "surrogateescape"),
        "query_string": dice.choice((b"a=%00", b"%ed%a0%bd", odd())),
    }  # fmt: skip
    return scope, changed_bytes(b"name=a&b=%00%ff&c=" + odd(), dice)


def read_scope(made: tuple[dict[str, Any], bytes]) -> None:
    def admitted(environ: dict[str, Any], start_response: object) -> list[bytes]:
        request = WSGIRequest(environ)
        if not _problem(request):
            assert_storable([text for _, text in _texts(request)])
        return []

    Utf8Requests(admitted)(environ_of(*made), lambda *_: None)


EVENT = {
    "event": {
        "event_type": "incident.acknowledged", "occurred_at": NOW.isoformat(), "agent": {"summary": "Ann"},
        "data": {"incident_key": "inc_1"},
    }
}  # fmt: skip
PRESS = {"user": {"name": "ann"}, "actions": [{"action_id": "vigil_acknowledge", "value": "inc_1"}]}


def read_callback(kind: str) -> Callable[[bytes], None]:
    """A body that its sender has signed: PagerDuty's as it is, Slack's as a form."""

    def read(payload: bytes) -> None:
        stamp = str(int(NOW.timestamp()))
        body = payload if kind == "pagerduty" else b"payload=" + payload.replace(b"&", b"%26").replace(b"+", b"%2B")
        of = body if kind == "pagerduty" else b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new(b"fake secret", of, hashlib.sha256).hexdigest()
        headers = {
            "x-pagerduty-signature": f"v1={digest}", "x-slack-signature": f"v0={digest}",
            "x-slack-request-timestamp": stamp,
        }  # fmt: skip
        try:
            wishes = CALLBACKS[kind].read(CallbackRequest(headers, body, NOW), "fake secret")
        except (CallbackError, InputProblem):
            return
        for wish in wishes:
            assert_storable([wish.incident, wish.who, wish.text])

    return read


def answer_by_chance(dice: Random) -> tuple[str, ReceiverAnswer]:
    sample = json.loads(document("x", 1))
    text = written(sample)(dice).decode("utf-8", "replace")
    headers = {"retry-after": dice.choice((*ODD_TEXTS, "1", "86400", "1e9", "Wed, 21 Oct 2065 07:28:00 GMT"))}
    code = dice.choice((200, 200, 201, 301, 400, 401, 404, 410, 429, 500, 503, 999))
    return dice.choice(sorted(SECRETS)), ReceiverAnswer(code, headers, text)


def read_answer(answer: tuple[str, ReceiverAnswer]) -> None:
    assert_kept(finished(kept(*answer)))


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The outcome of work that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


BOUNDARIES = {
    "ping log entry": Boundary(packed(LogEntry(1, "r", [PING, PING], AT_US)), read_log_entry),
    "ping by HTTP": Boundary(request_by_chance, read_request),
    "ping connection": Boundary(stream_by_chance, read_stream, 0.4),
    "mail": Boundary(mail_by_chance, read_one_mail, 0.5),
    "mail address": Boundary(lambda dice: changed_bytes(f"<{CODE}+fail@pings.test>".encode(), dice), read_address),
    "body of the API": Boundary(written(FACTS, EVENT, [1, "a"]), read_body),
    "request of a browser": Boundary(scope_by_chance, read_scope, 0.3),
    "callback of PagerDuty": Boundary(written(EVENT), read_callback("pagerduty")),
    "callback of Slack": Boundary(written(PRESS), read_callback("slack")),
    "answer of a receiver": Boundary(answer_by_chance, read_answer, 0.4),
}
