"""The HTTP prober against real servers: what each behaviour of a target is called."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from probes.checks.attempts import attempt
from probes.net.dialer import Dialer
from probes.net.guard import Egress
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext
from probes.probers import PROBERS, parse_spec
from probes.reasons import Reason, Status
from tests.probes.loopback import (
    OK,
    Handler,
    answering,
    closed_port,
    dripping,
    endless,
    name_server,
    resetting,
    serving,
    silent,
    way_out,
)

HTTP = PROBERS["http"]


async def look(
    url: str,
    secrets: Mapping[str, str] | None = None,
    *,
    timeout_s: float = 5.0,
    dialer: Dialer | None = None,
    **config: object,
) -> Observation:
    spec = parse_spec("http", {"url": url, **config})
    async with way_out() as own:
        context = ProbeContext(dialer or own, Trace(), 1_800_000_000.0)
        return await attempt(HTTP, spec, secrets or {}, context, timeout_s)


async def look_at(handler: Handler, **config: Any) -> Observation:
    async with serving(handler) as port:
        return await look(f"http://127.0.0.1:{port}/", **config)


def test_an_expected_answer_is_up_with_its_phases_and_facts(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(OK)))
    assert (seen.status, seen.reason, seen.code, seen.detail) == (Status.UP, Reason.OK, 200, "")
    assert seen.phases.connect_us > 0
    assert seen.phases.first_byte_us > 0
    assert seen.phases.dns_us == seen.phases.tls_us == 0
    assert seen.phases.total_us >= seen.phases.connect_us + seen.phases.first_byte_us
    assert seen.facts == {"address": "127.0.0.1", "body_bytes": 2}


def test_the_request_is_plain_and_asks_for_no_compression_and_no_second_use(on_loop: Any) -> None:
    requests: list[bytes] = []

    async def story() -> int:
        async with serving(answering(OK, seen=requests)) as port:
            await look(f"http://127.0.0.1:{port}/a?b=c", headers=[["X-Team", "eu"]])
            return port

    port = on_loop(story())
    head, *lines = requests[0].decode().rstrip().split("\r\n")
    assert head == "GET /a?b=c HTTP/1.1"
    assert lines == [
        f"Host: 127.0.0.1:{port}",
        "User-Agent: vigil",
        "Accept: */*",
        "Accept-Encoding: identity",
        "X-Team: eu",
        "Connection: close",
    ]


def test_a_refused_connection_is_down_with_reason_refused(on_loop: Any) -> None:
    seen = on_loop(look(f"http://127.0.0.1:{closed_port()}/"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.RESET),
        (b"HTTP/1.1 200 OK", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Reason.RESET),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.PROTOCOL_ERROR),
        (b"HTTP/1.1 two hundred\r\n\r\n", Reason.PROTOCOL_ERROR),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Reason.PROTOCOL_ERROR),
        (b"\x16\x03\x01\x00\x00", Reason.PROTOCOL_ERROR),
        (b"\x00" * 100, Reason.PROTOCOL_ERROR),
    ],
)
def test_an_answer_that_is_cut_or_not_http_is_down(on_loop: Any, answer: bytes, reason: Reason) -> None:
    seen = on_loop(look_at(answering(answer)))
    assert (seen.status, seen.reason) == (Status.DOWN, reason)


def test_a_reset_at_any_byte_of_the_answer_is_down_with_reason_reset(on_loop: Any) -> None:
    async def story() -> set[Reason]:
        seen = set()
        for place in range(0, len(OK)):
            seen.add((await look_at(resetting(OK[:place]))).reason)
        return seen

    assert on_loop(story()) == {Reason.RESET}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
    ],
)
def test_every_honest_way_to_frame_an_answer_is_understood(on_loop: Any, answer: bytes) -> None:
    seen = on_loop(look_at(answering(answer), assertions=[{"type": "body_contains", "text": "ok"}]))
    assert (seen.status, seen.code, seen.facts["body_bytes"]) == (Status.UP, 200, 2)


def test_an_answer_in_single_bytes_is_understood(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(*[OK[i : i + 1] for i in range(len(OK))])))
    assert (seen.status, seen.code) == (Status.UP, 200)


def test_an_answer_is_complete_by_its_length_though_the_server_holds_on(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(OK, hang=True), timeout_s=2.0))
    assert seen.status is Status.UP
    assert seen.phases.total_us < 1_500_000


def test_the_answer_to_head_has_no_body_to_wait_for(on_loop: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    seen = on_loop(look_at(answering(answer, hang=True), method="HEAD", timeout_s=2.0))
    assert seen.status is Status.UP


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (silent, "waiting for the first byte"),
        (answering(b"HTTP/1.1 200 OK\r\n", hang=True), "while reading the answer"),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "while reading the answer"),
        (dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"."), "while reading the answer"),
    ],
)
def test_a_server_that_is_slow_in_any_way_times_out_at_the_one_deadline(
    on_loop: Any, handler: Handler, words: str
) -> None:
    seen = on_loop(look_at(handler, timeout_s=0.5))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TIMEOUT)
    assert seen.detail == f"no answer within 0.5 s, {words}"
    assert 450_000 < seen.phases.total_us < 1_500_000


def test_a_body_without_end_is_cut_and_does_not_fail(on_loop: Any) -> None:
    seen = on_loop(look_at(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536)))
    assert (seen.status, seen.facts["truncated"], seen.facts["body_bytes"]) == (Status.UP, True, 65_536)


def test_a_spec_may_ask_for_a_larger_body(on_loop: Any) -> None:
    body = b"x" * 200_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body
    seen = on_loop(look_at(answering(answer), body_limit=300_000))
    assert seen.facts["body_bytes"] == 200_000
    assert "truncated" not in seen.facts


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"y" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"y" * 65_536),
        (b"HTTP/1.1 200 OK\r\n", b"".join(b"X-%d: y\r\n" % i for i in range(10_000))),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"e" * 4000 + b"\r\nx\r\n"),
    ],
)
def test_headers_or_framing_without_end_are_too_large(on_loop: Any, head: bytes, piece: bytes) -> None:
    seen = on_loop(look_at(endless(head, piece)))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TOO_LARGE), seen.detail


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
def test_a_compressed_body_nobody_asked_for_is_read(on_loop: Any, coding: str) -> None:
    packed = {
        "gzip": gzip.compress(b"models", mtime=0),
        "deflate": zlib.compress(b"models"),
        "raw deflate": zlib.compress(b"models", wbits=-15),
    }[coding]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n\r\n" % coding.split()[-1].encode()
    seen = on_loop(look_at(answering(head + packed), assertions=[{"type": "body_contains", "text": "models"}]))
    assert seen.status is Status.UP


def test_a_gzip_bomb_is_inflated_to_the_limit_and_no_further(on_loop: Any) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    seen = on_loop(look_at(answering(head + bomb)))
    assert (seen.facts["body_bytes"], seen.facts["truncated"]) == (65_536, True)


def test_a_body_that_does_not_decompress_is_a_broken_protocol(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplain")))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR)


@pytest.mark.parametrize(
    ("code", "body", "status", "reason"),
    [
        (200, b"", Status.UP, Reason.OK),
        (204, b"", Status.UP, Reason.OK),
        (304, b"", Status.UP, Reason.OK),
        (400, b"", Status.DOWN, Reason.HTTP_4XX),
        (401, b"", Status.DOWN, Reason.HTTP_4XX),
        (402, b"", Status.DOWN, Reason.HTTP_4XX),
        (403, b"", Status.DOWN, Reason.HTTP_4XX),
        (404, b"", Status.DOWN, Reason.HTTP_4XX),
        (429, b"slow down", Status.DEGRADED, Reason.RATE_LIMITED),
        (429, b'{"error":{"code":"insufficient_quota"}}', Status.DOWN, Reason.QUOTA),
        (500, b"", Status.DOWN, Reason.HTTP_5XX),
        (503, b"", Status.DOWN, Reason.HTTP_5XX),
        (529, b"", Status.DEGRADED, Reason.OVERLOADED),
    ],
)
def test_a_status_code_becomes_a_reason(on_loop: Any, code: int, body: bytes, status: Status, reason: Reason) -> None:
    answer = b"HTTP/1.1 %d Some Phrase\r\nContent-Length: %d\r\n\r\n" % (code, len(body)) + body
    seen = on_loop(look_at(answering(answer)))
    assert (seen.status, seen.reason, seen.code) == (status, reason, code)


def test_what_the_monitor_expects_passes_whatever_the_code(on_loop: Any) -> None:
    answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    seen = on_loop(look_at(answering(answer), expected_status=["200-299", "401"]))
    assert (seen.status, seen.code) == (Status.UP, 401)


def test_a_success_that_is_not_expected_is_down(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(OK), expected_status=["201"]))
    assert (seen.reason, seen.detail) == (Reason.UNEXPECTED_STATUS, "answered 200, expected 201")


def test_a_body_without_the_text_or_with_a_forbidden_one_is_a_mismatch(on_loop: Any) -> None:
    missing = on_loop(look_at(answering(OK), assertions=[{"type": "body_contains", "text": "gpt"}]))
    forbidden = on_loop(look_at(answering(OK), assertions=[{"type": "body_contains", "text": "ok", "absent": True}]))
    assert (missing.status, missing.reason, missing.detail) == (
        Status.DOWN,
        Reason.BODY_MISMATCH,
        "expected a body with 'gpt'; found 2 bytes: 'ok'",
    )
    assert forbidden.reason is Reason.BODY_MISMATCH


def test_an_answer_slower_than_its_limits_is_degraded_and_then_down(on_loop: Any) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        await answering(OK)(reader, writer)

    degraded = on_loop(look_at(slow, assertions=[{"type": "latency", "degraded_ms": 100}]))
    down = on_loop(look_at(slow, assertions=[{"type": "latency", "degraded_ms": 50, "down_ms": 100}]))
    assert (degraded.status, degraded.reason) == (Status.DEGRADED, Reason.SLOW)
    assert (down.status, down.reason) == (Status.DOWN, Reason.SLOW)


def redirecting(location: str, code: int = 302) -> bytes:
    return f"HTTP/1.1 {code} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_redirects_are_followed_and_counted(on_loop: Any) -> None:
    async def story() -> Observation:
        async with serving(answering(OK)) as end, serving(answering(redirecting(f"http://127.0.0.1:{end}/b"))) as start:
            return await look(f"http://127.0.0.1:{start}/")

    seen = on_loop(story())
    assert (seen.status, seen.facts["redirects"]) == (Status.UP, 1)


def test_a_trace_context_goes_to_the_own_origin_and_never_comes_back_after_another(on_loop: Any) -> None:
    """First the own origin, there again after a redirect, then another one, which sends us back."""
    seen: list[bytes] = []

    async def story() -> None:
        async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append(head)
            there = {b"/": "/again", b"/again": f"http://127.0.0.1:{other}/"}.get(head.split()[1])
            writer.write(redirecting(there) if there else OK)
            writer.close()

        async with (
            serving(first) as own,
            serving(answering(redirecting(f"http://127.0.0.1:{own}/end"), seen=seen)) as at,
        ):
            other = at
            spec = parse_spec("http", {"url": f"http://127.0.0.1:{own}/", "traceparent": True})
            async with way_out() as dialer:
                context = ProbeContext(dialer, Trace(), 1_800_000_000.0, traceparent="00-ab-cd-01")
                await attempt(HTTP, spec, {}, context, 5.0)

    on_loop(story())
    assert [b"traceparent: 00-ab-cd-01" in head for head in seen] == [True, True, False, False]


def test_redirects_are_not_followed_when_the_spec_says_so(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(redirecting("/b")), follow_redirects=False))
    assert (seen.status, seen.code) == (Status.UP, 302)


@pytest.mark.parametrize(
    ("method", "location"), [("GET", "/flush_cache"), ("POST", "https://api.openai.com/v1/chat/completions")]
)
def test_a_redirect_to_what_costs_or_changes_something_is_not_followed(
    on_loop: Any, method: str, location: str
) -> None:
    seen = on_loop(look_at(answering(redirecting(location, 307)), method=method))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.BAD_REDIRECT)
    assert "no health check" in seen.detail


def test_a_redirect_loop_ends(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(redirecting("/again"))))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TOO_MANY_REDIRECTS)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.com/", "http://127.1/", "http://[/"])
def test_a_redirect_that_no_client_can_follow_is_told_as_such(on_loop: Any, location: str) -> None:
    seen = on_loop(look_at(answering(redirecting(location))))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.BAD_REDIRECT)
    assert seen.detail.startswith("redirected (302) to a place that cannot be followed: ")


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/"])
def test_a_redirect_to_a_metadata_address_is_blocked_and_no_vote(on_loop: Any, location: str) -> None:
    seen = on_loop(look_at(answering(redirecting(location))))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED)


def test_a_public_region_dials_no_loopback_address_and_none_hidden_behind_a_name(on_loop: Any) -> None:
    connected: list[bytes] = []

    async def story() -> list[Observation]:
        names = {"inside.example": ["127.0.0.1"], "mixed.example": ["1.1.1.1", "127.0.0.1"]}
        target = serving(answering(OK, seen=connected))
        async with name_server(names) as (server, _), target as port, way_out(Egress.PUBLIC, [server]) as dialer:
            hosts = ["127.0.0.1", "[::ffff:127.0.0.1]", "inside.example", "mixed.example", "localhost"]
            return [await look(f"http://{host}:{port}/", dialer=dialer) for host in hosts]

    seen = on_loop(story())
    assert {(each.status, each.reason) for each in seen} == {(Status.UNKNOWN, Reason.BLOCKED)}
    assert connected == []


def test_a_name_that_changes_between_lookups_is_judged_each_time(on_loop: Any) -> None:
    async def story() -> tuple[Observation, Observation]:
        resolving, target = name_server({"moving.example": ["127.0.0.1"]}), serving(answering(OK))
        async with resolving as (server, names), target as port, way_out(nameservers=[server]) as dialer:
            first = await look(f"http://moving.example:{port}/", dialer=dialer)
            names.names["moving.example"] = ["169.254.169.254"]
            return first, await look(f"http://moving.example:{port}/", dialer=dialer)

    first, second = on_loop(story())
    assert (first.status, second.reason) == (Status.UP, Reason.BLOCKED)
    assert first.phases.dns_us > 0


def test_a_name_without_an_address_is_a_dns_error(on_loop: Any) -> None:
    async def story() -> list[Observation]:
        async with name_server({"empty.example": []}) as (server, _), way_out(nameservers=[server]) as dialer:
            return [await look(f"http://{name}.example/", dialer=dialer) for name in ("missing", "empty")]

    assert {(each.status, each.reason) for each in on_loop(story())} == {(Status.DOWN, Reason.DNS_ERROR)}


def test_names_in_the_hosts_file_resolve(on_loop: Any) -> None:
    async def story() -> Observation:
        async with serving(answering(OK)) as port:
            return await look(f"http://localhost:{port}/")

    assert on_loop(story()).status is Status.UP


def test_the_next_address_is_tried_when_the_first_refuses(on_loop: Any) -> None:
    async def story() -> Observation:
        resolving, target = name_server({"two.example": ["127.0.0.9", "127.0.0.1"]}), serving(answering(OK))
        async with resolving as (server, _), target as port, way_out(nameservers=[server]) as dialer:
            return await look(f"http://two.example:{port}/", dialer=dialer)

    seen = on_loop(story())
    assert (seen.status, seen.facts["address"]) == (Status.UP, "127.0.0.1")


def test_the_connection_comes_from_the_source_address_that_was_set(on_loop: Any) -> None:
    peers: list[str] = []

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        await answering(OK)(reader, writer)

    async def story() -> None:
        async with serving(noting) as port, way_out(source="127.0.1.7") as dialer:
            await look(f"http://127.0.0.1:{port}/", dialer=dialer)

    on_loop(story())
    assert peers == ["127.0.1.7"]


SECRETS = {"bearer": "tok-123", "header.X-Api-Key": "key-456"}


def test_secrets_become_headers(on_loop: Any) -> None:
    requests: list[bytes] = []
    on_loop(look_at(answering(OK, seen=requests), secrets=SECRETS))
    on_loop(look_at(answering(OK, seen=requests), secrets={"basic": "user:pass"}))
    assert b"Authorization: Bearer tok-123\r\n" in requests[0]
    assert b"X-Api-Key: key-456\r\n" in requests[0]
    assert b"Authorization: Basic dXNlcjpwYXNz\r\n" in requests[1]


def test_a_redirect_to_another_origin_drops_every_secret_and_cookie(on_loop: Any) -> None:
    requests: list[bytes] = []

    async def story() -> None:
        headers = [["Cookie", "session=789"], ["Authorization", "Basic abc"], ["X-Plain", "kept"]]
        async with (
            serving(answering(OK, seen=requests)) as end,
            serving(answering(redirecting(f"http://127.0.0.1:{end}/"), seen=requests)) as start,
        ):
            await look(f"http://127.0.0.1:{start}/", SECRETS, headers=headers)

    on_loop(story())
    first, second = requests
    assert b"key-456" in first
    assert b"session=789" in first
    assert b"X-Plain: kept" in second
    for secret in (b"tok-123", b"key-456", b"session=789", b"Basic abc"):
        assert secret not in second


def test_a_redirect_on_the_same_origin_keeps_secrets(on_loop: Any) -> None:
    requests: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(redirecting("/there") if not requests else OK, seen=requests)(reader, writer)

    assert on_loop(look_at(once, secrets=SECRETS)).status is Status.UP
    assert b"key-456" in requests[1]


def test_a_body_is_sent_with_its_length(on_loop: Any) -> None:
    bodies: list[bytes] = []

    async def reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 7\r\n" in head
        bodies.append(await reader.readexactly(7))
        writer.write(OK)
        await writer.drain()

    assert on_loop(look_at(reading, method="POST", body='{"a":1}')).status is Status.UP
    assert bodies == [b'{"a":1}']


def test_text_of_the_target_cannot_break_a_line_of_a_log(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(redirecting("http://a\x1b[31m.example/"))))
    assert seen.detail.isprintable()


def test_an_unexpected_error_in_a_prober_is_our_fault_and_no_vote(on_loop: Any) -> None:
    async def broken(host: str) -> list[str]:
        raise KeyError(host)

    seen = on_loop(look("http://name.example/", dialer=Dialer(Egress.PRIVATE, broken)))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.PROBE_ERROR)
    assert seen.detail == "the prober failed with KeyError"
