"""The HTTP client of alerts: an answer counts by its code, whatever happens to its body."""

from __future__ import annotations

import asyncio

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
    async def go() -> ReceiverAnswer:
        outbound = GuardedOutbound(AlertEgress.PRIVATE)
        async with serving(answering(b"HTTP/1.1 202 Accepted\r\n" + body)) as port:
            try:
                return await outbound.call(ReceiverCall(f"http://127.0.0.1:{port}/", b"{}"))
            finally:
                await outbound.close()

    answer = asyncio.run(go())
    assert (answer.code, answer.text) == (202, "accepted")
