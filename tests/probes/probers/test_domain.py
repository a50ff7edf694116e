"""The domain prober: days until a registration ends, and what a registry says that is no verdict on the domain."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.probers.domain import registration
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, answering, closed_port, serving, silent

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def record(days: float | None = 100, **more: Any) -> dict[str, Any]:
    events: list[Any] = [{"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"}]
    if days is not None:
        ends = (NOW + timedelta(days=days)).isoformat().replace("+00:00", "Z")
        events.append({"eventAction": "expiration", "eventDate": ends})
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Example Registrar"]]]
    entities = [{"objectClassName": "entity", "roles": ["registrar"], "vcardArray": card}]
    return {"objectClassName": "domain", "events": events, "entities": entities, "status": ["active"], **more}


def http(code: int, body: bytes, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


def saying(document: object) -> Handler:
    return answering(http(200, json.dumps(document).encode()))


async def look(handler: Handler, domain: str = "example.com", timeout_s: float = 5.0, **config: Any) -> Observation:
    async with serving(handler) as port:
        settings = {"domain": domain, "server": f"http://127.0.0.1:{port}/rdap", **config}
        return await looked("domain", settings, now_s=NOW.timestamp(), timeout_s=timeout_s)


def by_name(answers: dict[str, bytes], seen: list[str]) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        seen.append(path)
        writer.write(answers.get(path, http(404, b"{}")))
        await writer.drain()
        writer.close()

    return handle


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [
        (100, Status.UP, Reason.OK),
        (30, Status.UP, Reason.OK),
        (29.5, Status.DEGRADED, Reason.DOMAIN_EXPIRING),
        (7, Status.DEGRADED, Reason.DOMAIN_EXPIRING),
        (6.9, Status.DOWN, Reason.DOMAIN_EXPIRING),
        (-0.1, Status.DOWN, Reason.DOMAIN_EXPIRED),
        (-40, Status.DOWN, Reason.DOMAIN_EXPIRED),
    ],
)
def test_a_registration_is_held_to_its_days(on_loop: Any, days: float, status: Status, reason: Reason) -> None:
    seen = on_loop(look(saying(record(days))))
    assert (seen.status, seen.reason, seen.code) == (status, reason, 200), seen.detail
    assert seen.facts["registrar"] == "Example Registrar" and seen.facts["domain"] == "example.com"
    assert days < 0 or seen.facts["registration_days"] == int(days)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": ["redemption period"]}, "has ended"),
        ({"status": ["client transfer prohibited", "pendingDelete"]}, "has ended"),
        ({"status": ["serverHold"]}, "taken out of the DNS"),
    ],
)
def test_a_domain_that_is_lost_or_held_is_down_whatever_its_day(
    on_loop: Any, changes: dict[str, Any], says: str
) -> None:
    seen = on_loop(look(saying(record(300, **changes))))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.DOMAIN_EXPIRED)
    assert says in seen.detail


def test_a_name_below_the_registered_one_leads_to_it(on_loop: Any) -> None:
    asked: list[str] = []
    answers = {"/rdap/domain/example.co.uk": http(200, json.dumps(record(50)).encode())}
    seen = on_loop(look(by_name(answers, asked), "www.shop.example.co.uk"))
    assert (seen.status, seen.facts["domain"]) == (Status.UP, "example.co.uk")
    assert asked == [
        f"/rdap/domain/{name}" for name in ("www.shop.example.co.uk", "shop.example.co.uk", "example.co.uk")
    ]


def test_a_name_that_no_registry_knows_is_not_registered(on_loop: Any) -> None:
    asked: list[str] = []
    seen = on_loop(look(by_name({}, asked)))
    assert (seen.status, seen.reason, seen.code) == (Status.DOWN, Reason.DOMAIN_EXPIRED, 404)
    assert "is not registered" in seen.detail and asked == ["/rdap/domain/example.com"]


@pytest.mark.parametrize(
    "handler",
    [
        answering(http(429, b"", "Retry-After: 600")),
        answering(http(503, b"busy")),
        answering(http(403, b"")),
        answering(http(200, b"<html>")),
        answering(http(200, b'{"objectClassName": "entity"}')),
        answering(http(200, b"[" * 100_000)),
        answering(b"not HTTP at all\r\n\r\n"),
        answering(b""),
    ],
    ids=["429", "503", "403", "html", "no domain", "deep", "no HTTP", "nothing"],
)
def test_a_registry_that_does_not_answer_says_nothing_of_the_domain(on_loop: Any, handler: Handler) -> None:
    seen = on_loop(look(handler))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.SKIPPED), seen
    assert "registry's server 127.0.0.1" in seen.detail


def test_a_silent_or_closed_registry_is_unknown_too(on_loop: Any) -> None:
    assert on_loop(look(silent, timeout_s=0.3)).status is Status.UNKNOWN
    closed = {"domain": "example.com", "server": f"http://127.0.0.1:{closed_port()}"}
    assert on_loop(looked("domain", closed)).status is Status.UNKNOWN


def test_a_registry_without_a_day_is_a_matter_of_the_monitor(on_loop: Any) -> None:
    seen = on_loop(look(saying(record(None))))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CONFIG)
    assert "does not tell when example.com ends" in seen.detail


def test_a_redirect_to_another_server_is_followed(on_loop: Any) -> None:
    asked: list[str] = []
    answers = {
        "/rdap/domain/example.com": http(302, b"", "Location: /other/domain/example.com"),
        "/other/domain/example.com": http(200, json.dumps(record(50)).encode()),
    }
    assert on_loop(look(by_name(answers, asked))).status is Status.UP
    assert len(asked) == 2


def test_a_name_in_unicode_is_asked_for_in_ascii(on_loop: Any) -> None:
    asked: list[str] = []
    on_loop(look(by_name({}, asked), "straße.example"))
    assert asked == ["/rdap/domain/xn--strae-oqa.example"]


@pytest.mark.parametrize("events", [None, "x", [1, {"eventAction": "expiration", "eventDate": "soon"}], [{}], {}])
def test_whatever_stands_where_events_should_be_is_read_as_no_day(events: object) -> None:
    found = registration(json.dumps({"objectClassName": "domain", "events": events}).encode(), "a.test")
    assert found is not None and found.ends_s is None


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"domain": "example.invalid"}, "names no RDAP server for .invalid"),
        ({"domain": "com"}, "is a registered name"),
        ({"domain": "192.0.2.1"}, "is a registered name"),
        ({"domain": "example.com", "down_days": 40}, "`down_days` <= `degraded_days`"),
        ({"domain": "example.com", "server": "ftp://x"}, "starts with http"),
    ],
)
def test_a_domain_that_cannot_be_asked_for_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        parse_spec("domain", config)
