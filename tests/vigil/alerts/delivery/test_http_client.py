"""The HTTP client of alerts: an answer counts by its code, whatever happens to its body."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.probes.loopback import answering, serving
from vigil.alerts.channels.kind import ReceiverAnswer, ReceiverCall
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.configuration import AlertEgress


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 100\r\n\r\naccepted",
        b"Transfer-Encoding: chunked\r\n\r\n64\r\naccepted",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\naccepted\r\nno size\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\naccepted",
    ],
    ids=["cut", "cut in a chunk", "bad chunk", "no gzip"],
)
def test_an_accepted_alert_stays_accepted_when_the_body_breaks(body: bytes) -> None:
    answer = asyncio.run(sent(b"HTTP/1.1 202 Accepted\r\n" + body))
    assert (answer.code, answer.text) == (202, "accepted")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 202 Accepted\nContent-Length: 8\n\naccepted",
        b"HTTP/1.1 202\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n8\r\naccepted\r\n0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\nContent-Length: 8\r\n\r\naccepted",
        b"HTTP/1.1 202 Accepted\r\nX: a\x01b\r\nContent-Length: 8\r\n\r\naccepted",
        b"HTTP/1.1 202 Accepted\r\nX: a\r\n b\r\nContent-Length: 8\r\n\r\naccepted",
        b"HTTP/1.1 202 Accepted\r\nno colon\r\nContent-Length: 8\r\n\r\naccepted",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: none\r\n\r\naccepted",
        b"\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\naccepted",
        b"HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"accepted", mtime=0),
    ],
    ids=["LF only", "length and chunks", "length twice", "control character", "folded", "no colon", "odd length",
         "empty line in front", "gzip"],
)  # fmt: skip
def test_an_alert_accepted_with_a_flaw_of_form_is_accepted(raw: bytes) -> None:
    answer = asyncio.run(sent(raw))
    assert (answer.code, answer.text) == (202, "accepted")


async def sent(raw: bytes) -> ReceiverAnswer:
    """What an alert hears from a receiver that answers with these bytes."""
    outbound = GuardedOutbound(AlertEgress.PRIVATE)
    async with serving(answering(raw)) as port:
        try:
            return await outbound.call(ReceiverCall(f"http://127.0.0.1:{port}/", b"{}"))
        finally:
            await outbound.close()
