"""The HTTP prober on the web as it is: cookies, charsets, streams, cut bodies, certificates of all hops."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from probes.prober import Observation, SpecError
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import OK, Handler, answering, closed_port, serving

Answer = Callable[[str, dict[str, str]], bytes]


def site(answer: Answer, seen: list[str] | None = None) -> Handler:
    """A server whose answer depends on the path and the (lower-case) headers of the request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        if seen is not None:
            seen.append(lines[0] + " " + headers.get("cookie", "") + headers.get("authorization", ""))
        writer.write(answer(lines[0].split()[1], headers))
        await writer.drain()
        writer.close()

    return handle


def redirect(location: str, *cookies: str, code: int = 302) -> bytes:
    lines = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies)
    return f"HTTP/1.1 {code} Found\r\nLocation: {location}\r\n{lines}Content-Length: 0\r\n\r\n".encode()


def ok(body: bytes, *lines: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in lines)
    return f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def look_at(handler: Handler, path: str = "/", **config: Any) -> Observation:
    async with serving(handler) as port:
        return await looked("http", {"url": f"http://127.0.0.1:{port}{path}", **config})


def contains(text: str, **more: Any) -> dict[str, Any]:
    return {"assertions": [{"type": "body_contains", "text": text, **more}]}


def jsonpath(**more: Any) -> dict[str, Any]:
    return {"assertions": [{"type": "jsonpath", "path": "$.status", **(more or {"equals": "ok"})}]}


@pytest.mark.parametrize(
    ("cookies", "path", "up"),
    [
        pytest.param(["seen=1; Path=/"], "/", True, id="B2-02"),
        (["seen=1"], "/", True),
        (["seen=1; HttpOnly; SameSite=Lax; Expires=Fri, 01-Jan-2100 00:00:00 GMT"], "/", True),
        (["seen=1; Domain=127.0.0.1"], "/", True),
        (["seen=1; Path=/a"], "/a/b", True),
        (["seen=1; Path=/b"], "/a/b", False),
        (["seen=1; Domain=other.example"], "/", False),
        (["seen=1; Secure"], "/", False),
        (["seen=1; Max-Age=0"], "/", False),
        (["seen=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "/", False),
        (["seen=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"], "/", True),
        (["seen=1", "seen=; Max-Age=0"], "/", False),
        (["seen=1\x01"], "/", False),
    ],
)
def test_a_cookie_on_the_way_is_sent_back_where_it_belongs(
    on_loop: Any, cookies: list[str], path: str, up: bool
) -> None:
    def answer(asked: str, headers: dict[str, str]) -> bytes:
        return OK if "seen=1" in headers.get("cookie", "") else redirect(asked, *cookies)

    seen = on_loop(look_at(site(answer), path, redirect_limit=3))
    assert seen.status is (Status.UP if up else Status.DOWN)
    assert up or seen.reason is Reason.TOO_MANY_REDIRECTS


def test_cookies_go_to_the_host_that_set_them_and_end_with_the_check(on_loop: Any) -> None:
    asked: list[str] = []

    async def story() -> None:
        async with serving(site(lambda path, headers: OK, asked)) as other:
            first = site(lambda path, headers: redirect(f"http://localhost:{other}/", "seen=1"), asked)
            async with serving(first) as port:
                for _ in range(2):
                    await looked("http", {"url": f"http://127.0.0.1:{port}/", "headers": [["Cookie", "own=2"]]})

    on_loop(story())
    assert asked == ["GET / HTTP/1.1 own=2", "GET / HTTP/1.1 "] * 2


def test_own_and_new_cookies_go_together(on_loop: Any) -> None:
    asked: list[str] = []
    answer: Answer = lambda path, headers: OK if "a=1" in headers.get("cookie", "") else redirect("/", "a=1", "b=2")  # noqa: E731
    assert on_loop(look_at(site(answer, asked), headers=[["Cookie", "own=0"]])).status is Status.UP
    assert asked[1] == "GET / HTTP/1.1 own=0; a=1; b=2"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        pytest.param("/café/", "/caf%C3%A9/", id="B2-03a"),
        pytest.param("/next page?q=a b", "/next%20page?q=a%20b", id="B2-03b"),
    ],
)
def test_a_location_is_followed_as_browsers_do(on_loop: Any, location: str, path: str) -> None:
    seen = on_loop(look_at(site(lambda asked, _: OK if asked == path else redirect(location))))
    assert (seen.status, seen.facts["redirects"]) == (Status.UP, 1)


def test_f28_a_login_in_a_location_is_sent_there_and_shown_nowhere(on_loop: Any) -> None:
    asked: list[str] = []

    async def story() -> Observation:
        async with serving(site(lambda path, headers: OK, asked)) as other:
            first = site(lambda path, headers: redirect(f"http://user:hush@localhost:{other}/"))
            async with serving(first) as port:
                return await looked("http", {"url": f"http://127.0.0.1:{port}/"}, {"bearer": "obviously-fake"})

    seen = on_loop(story())
    assert (seen.status, asked) == (Status.UP, ["GET / HTTP/1.1 Basic dXNlcjpodXNo"])
    assert "hush" not in repr(seen)


def test_twenty_redirects_are_followed_as_browsers_do(on_loop: Any) -> None:
    answer: Answer = lambda path, headers: OK if path == "/20" else redirect(f"/{int(path[1:] or 0) + 1}")  # noqa: E731
    assert on_loop(look_at(site(answer))).facts["redirects"] == 20


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "line feed only", id="B2-04a"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "beside chunked", id="B2-04b",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "twice", id="B2-04c"),
        pytest.param(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\x01c\r\nContent-Length: 2\r\n\r\nok", "control", id="B2-04d"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "folded", id="B2-04e"),
    ],
)  # fmt: skip
def test_a_flaw_of_form_is_a_fact_and_the_code_decides(on_loop: Any, raw: bytes, flaw: str) -> None:
    seen = on_loop(look_at(answering(raw), **contains("ok")))
    assert (seen.status, seen.reason, seen.code) == (Status.UP, Reason.OK, 200)
    assert flaw in str(seen.facts["flaws"])
    assert on_loop(look_at(answering(raw.replace(b"200", b"500")))).reason is Reason.HTTP_5XX


def test_what_only_some_clients_read_is_degraded(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok")))
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.PROTOCOL_ERROR)
    assert seen.detail == "answered 200, but some clients refuse it: a header line without a colon"


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        pytest.param("text/html; charset=gb2312", "系统正常".encode("gbk"), "系统正常", id="B2-05a"),
        pytest.param("text/html; charset=ISO-8859-1", "Überblick".encode("latin-1"), "Überblick", id="B2-05a latin"),
        ('text/html; charset="windows-1251"', "работает".encode("cp1251"), "работает"),
        ("text/html; charset=latin1", "“gut” €".encode("cp1252"), "“gut” €"),
        ("text/html;charset=shift_jis", "正常①".encode("cp932"), "正常①"),
        ("text/html", '<meta charset="gbk"><p>正常'.encode("gbk"), "正常"),
        ("text/html", '<meta http-equiv=Content-Type content="text/html; charset=big5">正常'.encode("big5"), "正常"),
        ("application/xml", '<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'.encode("latin-1"), "ü"),
        ("text/plain", "正常".encode("utf-16"), "正常"),
        ("text/plain; charset=utf-16le", "正常".encode("utf-16-le"), "正常"),
        ("text/html; charset=iso-8859-1", b"\xef\xbb\xbf" + "Überblick".encode(), "Überblick"),
        ("text/html; charset=no-such", "Überblick".encode(), "Überblick"),
        ("text/html", "Überblick".encode(), "Überblick"),
    ],
)
def test_a_text_is_read_in_its_own_charset(on_loop: Any, kind: str, body: bytes, text: str) -> None:
    handler = answering(ok(body, f"Content-Type: {kind}"))
    assert on_loop(look_at(handler, **contains(text))).status is Status.UP
    assert on_loop(look_at(handler, assertions=[{"type": "regex", "pattern": text}])).status is Status.UP
    assert on_loop(look_at(handler, **contains(text, absent=True))).reason is Reason.BODY_MISMATCH


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'\xef\xbb\xbf{"status":"ok"}', id="B2-05b"),
        '{"status":"ok"}'.encode("utf-16"),
        '{"status":"ok"}'.encode("utf-16-le"),
        '{"status":"ok"}'.encode("utf-16-be"),
        '{"status":"ok"}'.encode("utf-32"),
        '{"status":"ok"}'.encode("utf-32-be"),
        '{"status":"ok","x":"ü"}'.encode("latin-1"),
    ],
)
def test_json_is_read_behind_a_mark_and_in_any_unicode(on_loop: Any, body: bytes) -> None:
    handler = answering(ok(body, "Content-Type: application/json; charset=iso-8859-1"))
    assert on_loop(look_at(handler, **jsonpath())).status is Status.UP


@pytest.mark.parametrize(
    ("config", "code", "status", "reason"),
    [
        pytest.param({"assertions": [{"type": "status", "expected": ["404"]}]}, 404, Status.UP, Reason.OK, id="B2-06"),
        ({"assertions": [{"type": "status", "expected": ["404"]}]}, 200, Status.DOWN, Reason.UNEXPECTED_STATUS),
        ({"assertions": [{"type": "status", "expected": ["404"]}]}, 500, Status.DOWN, Reason.HTTP_5XX),
        ({"assertions": [{"type": "status", "expected": ["301"]}]}, 301, Status.UP, Reason.OK),
        ({"expected_status": ["301"]}, 301, Status.UP, Reason.OK),
        ({"expected_status": ["999"]}, 999, Status.UP, Reason.OK),
        ({"assertions": [{"type": "status", "expected": ["200"], "gives": "degraded"}]}, 204, Status.DEGRADED,
         Reason.UNEXPECTED_STATUS),
    ],
)  # fmt: skip
def test_a_status_assertion_replaces_the_default(
    on_loop: Any, config: dict[str, Any], code: int, status: Status, reason: Reason
) -> None:
    raw = f"HTTP/1.1 {code} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    seen = on_loop(look_at(answering(raw), **config))
    assert (seen.status, seen.reason) == (status, reason)


def test_codes_that_no_answer_can_meet_are_refused(on_loop: Any) -> None:
    config = {"expected_status": ["200"], "assertions": [{"type": "status", "expected": ["404"]}]}
    with pytest.raises(SpecError, match="no code can meet"):
        on_loop(looked("http", {"url": f"http://127.0.0.1:{closed_port()}/", **config}))


def sse(*pieces: bytes, kind: str = "text/event-stream") -> Handler:
    """An answer without end that sends the pieces, and then nothing."""
    return answering(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode(), *pieces, hang=True)


@pytest.mark.parametrize(
    ("pieces", "kind", "config"),
    [
        pytest.param((b": ping\n\n",), "text/event-stream", {}, id="B2-13"),
        ((), "text/event-stream; charset=utf-8", {}),
        ((b"--frame\r\n",), "multipart/x-mixed-replace; boundary=frame", {}),
        ((b"ID3",), "audio/mpeg", {}),
        ((b": hello\n\n", b"event: endpoint\n\n"), "text/event-stream", contains("event: endpoint")),
    ],
)
def test_an_endless_answer_is_judged_by_its_head_and_first_bytes(
    on_loop: Any, pieces: tuple[bytes, ...], kind: str, config: dict[str, Any]
) -> None:
    begun = time.monotonic()
    seen = on_loop(look_at(sse(*pieces, kind=kind), **config))
    assert (seen.status, seen.facts["stream"]) == (Status.UP, True)
    assert time.monotonic() - begun < 1.5


def test_what_does_not_come_at_the_beginning_of_a_stream_is_no_outage(on_loop: Any) -> None:
    seen = on_loop(look_at(sse(b": ping\n\n"), **contains("ready")))
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.TOO_LARGE)
    assert "the body goes on" in seen.detail


LONG = b"x" * 100_000 + b"END"
ENDLESS = b"y" * 1_200_000 + b"END"


@pytest.mark.parametrize(
    ("body", "config", "status"),
    [
        pytest.param(LONG, contains("END", absent=True), Status.DOWN, id="absent, read on"),
        pytest.param(LONG, contains("END"), Status.UP, id="contains, read on"),
        pytest.param(ENDLESS, contains("END", absent=True), Status.DEGRADED, id="absent, cut"),
        pytest.param(ENDLESS, contains("END"), Status.DEGRADED, id="contains, cut"),
        pytest.param(ENDLESS, contains("yyy"), Status.UP, id="contains, found before the cut"),
        pytest.param(ENDLESS, contains("yyy", absent=True), Status.DOWN, id="absent, found before the cut"),
        pytest.param(ENDLESS, {"assertions": [{"type": "regex", "pattern": "END", "absent": True}]}, Status.DEGRADED,
                     id="regex, cut"),
        pytest.param(ENDLESS, {"assertions": [{"type": "body_size", "max_bytes": 2_000_000}]}, Status.DEGRADED,
                     id="size, cut"),
        pytest.param(ENDLESS, {"assertions": [{"type": "body_size", "max_bytes": 100}]}, Status.DOWN, id="too big"),
        pytest.param(ENDLESS, jsonpath(absent=True), Status.DEGRADED, id="JSON, cut"),
        pytest.param(LONG, {**contains("END", absent=True), "body_limit": 1000}, Status.DEGRADED, id="own limit"),
        pytest.param(ENDLESS, {}, Status.UP, id="nothing asked of the body"),
    ],
)  # fmt: skip
def test_no_assertion_is_judged_by_a_part_that_was_cut_off(
    on_loop: Any, body: bytes, config: dict[str, Any], status: Status
) -> None:
    seen = on_loop(look_at(answering(ok(body)), **config))
    assert seen.status is status
    assert status is not Status.DEGRADED or (seen.reason, "the body goes on" in seen.detail) == (Reason.TOO_LARGE, True)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PAGE = b"well " * 200
GZIP = gzip.compress(PAGE, mtime=0)


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", GZIP, Status.UP),
        ("x-gzip", GZIP, Status.UP),
        ("GZIP", GZIP, Status.UP),
        ("gzip", gzip.compress(b"x", mtime=0) + GZIP, Status.UP),
        ("gzip", GZIP + b"\0" * 9, Status.DEGRADED),
        ("gzip", GZIP[:-4], Status.DEGRADED),
        ("gzip", GZIP[:-12], Status.DEGRADED),
        ("gzip", GZIP + GZIP[:20], Status.DEGRADED),
        ("gzip", b"well", Status.DOWN),
        ("deflate", zlib.compress(PAGE), Status.UP),
        ("deflate", raw_deflate(PAGE), Status.UP),
        ("deflate", zlib.compress(PAGE)[:-6], Status.DEGRADED),
        ("deflate", GZIP, Status.DOWN),
        ("deflate, gzip", gzip.compress(zlib.compress(PAGE), mtime=0), Status.UP),
        ("identity", PAGE, Status.UP),
        ("utf-8", PAGE, Status.UP),
        ("br", b"\x0b\x02\x80\x03", Status.DEGRADED),
    ],
)
def test_a_body_is_read_out_of_its_coding_and_whole(on_loop: Any, coding: str, body: bytes, status: Status) -> None:
    seen = on_loop(look_at(answering(ok(body, f"Content-Encoding: {coding}")), **contains("well")))
    assert seen.status is status


def test_a_body_of_very_many_members_is_read_in_bounded_time(on_loop: Any) -> None:
    body = gzip.compress(b"") * 40_000
    begun = time.monotonic()
    seen = on_loop(look_at(answering(ok(body, "Content-Encoding: gzip")), **contains("x", absent=True)))
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.TOO_LARGE)
    assert time.monotonic() - begun < 4


def test_a_header_of_more_than_ascii_is_compared_as_utf_8(on_loop: Any) -> None:
    check = {"type": "header", "name": "X-Name", "equals": "Größe"}
    assert on_loop(look_at(answering(ok(b"", "X-Name: Größe")), assertions=[check])).status is Status.UP


def test_a_redirect_that_no_client_follows_is_told_as_such(on_loop: Any) -> None:
    seen = on_loop(look_at(answering(redirect("ftp://example.com/"))))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.BAD_REDIRECT)
