"""Our exchange below a stock httpx client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from probes.net.guard import Egress
from probes.net.httpx_transport import GuardedTransport
from tests.probes.loopback import OK, Handler, answering, closed_port, serving, silent, way_out


async def fetch(handler: Handler | None, egress: Egress = Egress.PRIVATE, **request: Any) -> httpx.Response:
    async with way_out(egress) as dialer, httpx.AsyncClient(transport=GuardedTransport(dialer), timeout=0.5) as client:
        if handler is None:
            return await client.get(f"http://127.0.0.1:{closed_port()}/")
        async with serving(handler) as port:
            return await client.request(request.pop("method", "GET"), f"http://127.0.0.1:{port}/", **request)


def test_a_stock_client_gets_its_answer_and_where_the_time_went(on_loop: Any) -> None:
    response = on_loop(fetch(answering(OK)))
    assert (response.status_code, response.text) == (200, "ok")
    assert response.extensions["vigil.trace"].phases().connect_us > 0


def test_a_stock_client_can_post(on_loop: Any) -> None:
    requests: list[bytes] = []
    response = on_loop(fetch(answering(OK, seen=requests), method="POST", json={"a": 1}))
    assert response.status_code == 200
    assert b"Content-Length: 7\r\n" in requests[0]
    assert requests[0].lower().count(b"content-length") == 1


def test_compressed_and_chunked_answers_arrive_plain(on_loop: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert on_loop(fetch(answering(answer))).text == "ok"


@pytest.mark.parametrize(
    ("handler", "egress", "error"),
    [
        (None, Egress.PRIVATE, httpx.ConnectError),
        (answering(OK), Egress.PUBLIC, httpx.ConnectError),
        (silent, Egress.PRIVATE, httpx.ReadTimeout),
        (answering(b""), Egress.PRIVATE, httpx.ReadError),
        (answering(b"SSH-2.0\r\n"), Egress.PRIVATE, httpx.RemoteProtocolError),
    ],
)
def test_failures_are_httpx_errors(
    on_loop: Any, handler: Handler | None, egress: Egress, error: type[Exception]
) -> None:
    with pytest.raises(error):
        on_loop(fetch(handler, egress))


def test_an_address_in_disguise_is_refused(on_loop: Any) -> None:
    async def story() -> None:
        async with way_out() as dialer, httpx.AsyncClient(transport=GuardedTransport(dialer)) as client:
            await client.get("http://127.1/")

    with pytest.raises(httpx.TransportError):
        on_loop(story())


def test_a_header_that_is_no_ascii_is_an_answer_like_any_other(on_loop: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\nok"
    response = on_loop(fetch(answering(answer)))
    assert (response.text, response.headers["x-name"]) == ("ok", "café")
