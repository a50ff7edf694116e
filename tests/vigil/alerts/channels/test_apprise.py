"""Through apprise to a real server: what it accepts, what it refuses and how, and threads of its own."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from vigil.alerts.channels import apprise
from vigil.alerts.channels.apprise import AppriseConfig, AppriseNotice
from vigil.alerts.channels.kind import Accepted, ChannelError, Outbound
from vigil.local.servers import ports

NOTICE = AppriseNotice("checkout is down", "3 of 5 regions see it fail", "failure")


class Service:
    """A service on loopback that answers with one code and keeps what it was sent."""

    def __init__(self, code: int) -> None:
        self.said: list[dict[str, Any]] = []
        self.threads: list[str] = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.said.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                service.threads += [thread.name for thread in threading.enumerate()]
                self.send_response(code)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    service = Service(getattr(request, "param", 200))
    yield service
    service.close()


def sent(url: str) -> Accepted:
    # It dials itself: the guarded way out is not asked.
    return asyncio.run(apprise.send(cast(Outbound, None), AppriseConfig(), {"url": url}, NOTICE))


def test_a_message_arrives_whole_and_is_sent_on_a_thread_of_its_own(service: Service) -> None:
    accepted = sent(service.url)

    (said,) = service.said
    assert (said["title"], said["message"], said["type"]) == (NOTICE.title, NOTICE.body, NOTICE.type)
    assert accepted.answer.startswith("accepted by ")
    assert any(name.startswith("apprise") for name in service.threads)


@pytest.mark.parametrize(("service", "permanent"), [(500, False), (429, False), (404, True)], indirect=["service"])
def test_a_refusal_says_its_code_and_whether_to_try_again(service: Service, permanent: bool) -> None:
    with pytest.raises(ChannelError) as refused:
        sent(service.url)

    assert refused.value.permanent is permanent
    assert NOTICE.title not in str(refused.value) and "127.0.0.1" not in str(refused.value)


def test_a_service_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(ChannelError) as refused:
        sent(f"json://127.0.0.1:{ports.take_free_port()}")

    assert not refused.value.permanent
