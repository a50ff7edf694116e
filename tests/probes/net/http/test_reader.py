"""The lenient reader of HTTP answers, against what real servers send and against curl itself."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import pytest

from probes.net.failures import ClosedEarly, Failure, ProtocolBroken, TooLarge
from probes.net.http.head import HEAD_CUT
from probes.net.http.reader import AnswerReader
from probes.net.http_messages import Request, Response
from probes.net.targets import parse_url
from tests.probes.loopback import serving
from tests.probes.net.http.answers import ANSWERS, BODY, CHUNKED, CHUNKS, DISPUTED, OK, READ, REFUSED, Reading

TARGET = parse_url("http://example.com/")
#: The release whose words are written down.
CURL = b"curl 7.88."


def read(raw: bytes, step: int = 0, **request: Any) -> Response:
    """The answer of these bytes, in pieces of `step`; raises Failure."""
    reader = AnswerReader(Request(TARGET, **request))
    for place in range(0, len(raw), step or len(raw) or 1):
        reader.feed(raw[place : place + (step or len(raw))])
        if reader.complete:
            return reader.answer()
    reader.close()
    return reader.answer()


def reading(raw: bytes, step: int = 0) -> tuple[Reading, int, bytes]:
    try:
        answer = read(raw, step)
    except Failure:
        return REFUSED, 0, b""
    disputed = any(flaw.disputed for flaw in answer.flaws)
    return DISPUTED if disputed else READ, answer.code, answer.body


@pytest.mark.parametrize(("raw", "expected"), [pytest.param(a[1], a[2:5], id=a[0]) for a in ANSWERS])
def test_an_answer_is_read_as_clients_read_it(raw: bytes, expected: tuple[Reading, int, bytes]) -> None:
    assert [reading(raw, step) for step in (0, 1, 7)] == [expected] * 3


def test_nothing_that_curl_takes_is_refused_and_nothing_that_it_refuses_is_well(on_loop: Any) -> None:
    taken = on_loop(_curl_takes()) if shutil.which("curl") else None
    for name, _, how, _, _, recorded in ANSWERS:
        takes = recorded if taken is None else taken[name]
        assert how is not (REFUSED if takes else READ), name


async def _curl_takes() -> dict[str, bool] | None:
    """What the curl of this machine takes; None where it is another release than the one written down."""
    process = await asyncio.create_subprocess_exec("curl", "--version", stdout=asyncio.subprocess.PIPE)
    if not (await process.communicate())[0].startswith(CURL):
        return None
    answers = dict(enumerate(ANSWERS))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[int(request.split()[1][1:])][1])
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async with serving(answer) as port:
        said = await asyncio.gather(*(_curl(port, list(answers)[start::4]) for start in range(4)))
    told = {int(word.rpartition(b"/")[2]): code == b"0" for word, code in (pair for each in said for pair in each)}
    # A few failures end curl for the rest of its addresses.
    return {name: told.get(number, recorded) for number, (name, *_, recorded) in answers.items()}


async def _curl(port: int, numbers: list[int]) -> list[tuple[bytes, bytes]]:
    to = [word for number in numbers for word in ("-o", "/dev/null", f"http://127.0.0.1:{port}/{number}")]
    process = await asyncio.create_subprocess_exec(
        "curl",
        "-q",
        "-s",
        "--noproxy",
        "*",
        "-m",
        "9",
        "-w",
        "%{url} %{exitcode} ",
        *to,
        stdout=asyncio.subprocess.PIPE,
    )
    words = (await process.communicate())[0].split()
    return list(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "line feed only", id="B2-04a"),
        pytest.param(OK + b"Content-Length: 9\r\n" + CHUNKED + CHUNKS, "length beside chunked", id="B2-04b"),
        pytest.param(OK + b"Content-Length: 2\r\n" + BODY, "given twice", id="B2-04c"),
        pytest.param(OK + b"Set-Cookie: a=b\x01c\r\n" + BODY, "control characters", id="B2-04d"),
        pytest.param(OK + b"X: a\r\n\tb\r\n" + BODY, "folded", id="B2-04e"),
        (OK + b"X : a\r\n" + BODY, "before|between the name of a header and its colon"),
        (OK + b"Content-Length: 2x\r\n\r\nok", "odd Content-Length"),
        (b"\r\n" + OK + BODY, "before the status line"),
        (OK + BODY + b"!", "after the end"),
    ],
)
def test_a_flaw_of_form_is_named(raw: bytes, flaw: str) -> None:
    assert any(each.words for each in read(raw).flaws if any(word in each.words for word in flaw.split("|")))


def test_a_plain_answer_has_no_flaw() -> None:
    answer = read(OK + b'Server: nginx\r\nDate:now\r\nX-Odd:  two  \r\nETag: "a"\r\n' + BODY)
    assert answer.flaws == ()
    assert answer.headers == (
        ("server", "nginx"), ("date", "now"), ("x-odd", "two"), ("etag", '"a"'), ("content-length", "2"),
    )  # fmt: skip


def test_a_folded_header_is_one_header_with_blanks_between_its_lines() -> None:
    assert read(OK + b"X: a\r\n  b\r\n\tc\r\n" + BODY).header("x") == "a b c"


@pytest.mark.parametrize("most", [250_000, 300_000])
def test_large_headers_are_taken_as_curl_takes_them(most: int) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 4980) for n in range(most // 5000))
    assert read(OK + lines + BODY, 65_536).body == b"ok"


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (OK + b"X: " + b"y" * 400_000, TooLarge),
        (OK + b"X: " + b"y" * 400_000 + b"\r\n" + BODY, TooLarge),
        (OK + b"X: y\r\n" * 5001 + BODY, TooLarge),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 51 + OK + BODY, TooLarge),
        (OK + CHUNKED + b"2;" + b"x" * 20_000, TooLarge),
        (OK + CHUNKED + b"0\r\n" + b"X: y\r\n" * 12_000, TooLarge),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x10\x00\x00\x00", ProtocolBroken),
        (b"\x15\x03\x01\x00\x02\x02\x46", ProtocolBroken),
        (OK + b"Content-Length: 5\r\n\r\nok", ClosedEarly),
    ],
    ids=[
        "endless header", "long header", "many headers", "informational", "chunk size", "trailers", "HTTP/2", "TLS",
        "cut",
    ],
)  # fmt: skip
def test_what_no_client_takes_is_a_failure_of_its_kind(raw: bytes, fault: type[Failure]) -> None:
    with pytest.raises(fault):
        read(raw, 65_536)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x10\x00\x00\x00", "HTTP/2 only"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS on this port"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not begin with a status line"),
        (OK + b"X: \0\r\n" + BODY, "NUL byte"),
    ],
)
def test_what_is_not_http_is_told_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(Failure, match=words):
        read(raw)


def test_what_cannot_become_http_is_refused_before_the_connection_ends() -> None:
    reader = AnswerReader(Request(TARGET))
    with pytest.raises(ProtocolBroken):
        reader.feed(b"+OK hi\r\n")


def test_a_cut_head_counts_with_what_is_whole_of_it() -> None:
    answer = read(b"HTTP/1.1 503 Down\r\nRetry-After: 5\r\nX-Half: ye")
    assert (answer.code, answer.headers, answer.flaws) == (503, (("retry-after", "5"),), (HEAD_CUT,))


@pytest.mark.parametrize(
    ("head", "stream"),
    [
        pytest.param(b"Content-Type: text/event-stream\r\n\r\n", True, id="B2-13"),
        (b"Content-Type: text/event-stream; charset=utf-8\r\n" + CHUNKED, True),
        (b"Content-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n", True),
        (b"Content-Type: audio/mpeg\r\n\r\n", True),
        (b"Content-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n", False),
    ],
)
def test_a_body_without_end_is_complete_with_its_head(head: bytes, stream: bool) -> None:
    answer = read(OK + head)
    assert (answer.code, answer.stream, answer.truncated) == (200, stream, stream)


def test_an_endless_body_is_read_until_it_is_enough() -> None:
    reader = AnswerReader(Request(TARGET, enough=lambda body: b"ready" in body))
    reader.feed(OK + b"Content-Type: text/event-stream\r\n\r\n: hello\n\n")
    assert (reader.complete, reader.endless) == (False, True)
    reader.feed(b"data: ready\n\n")
    assert reader.complete
    assert reader.answer().body == b": hello\n\ndata: ready\n\n"


def test_a_limit_of_no_bytes_judges_by_the_head() -> None:
    answer = read(OK + b"Content-Length: 999\r\n\r\n", body_limit=0)
    assert (answer.body, answer.truncated) == (b"", True)
    assert not read(OK + b"Content-Length: 0\r\n\r\n", body_limit=0).truncated
