"""Canaries through a real dispatcher and region: each answer is paid for once, whoever is killed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis
from django.db import connection

from probes.process.health import Health
from probes.wire import CANARY_KIND
from tests.probes.worker.region_process import REGION, worker
from tests.vigil.dispatch.test_service import dispatching
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.canaries.models import Canary
from vigil.history.recording.service import Recorder, RecorderTimings
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

INTERVAL_MS = 5_000
_CHUNK = b'data: {"model": "m", "choices": [{"delta": {"content": "ready"}}]}\n\n'
_END = (
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 4}}\n\ndata: [DONE]\n\n'
)


class Model:
    """A model that never ends its first answer, and answers every later question well."""

    def __init__(self) -> None:
        self.asked = 0
        self.over = threading.Event()

    @contextmanager
    def served(self) -> Iterator[str]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                model.asked += 1
                is_first = model.asked == 1
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(_CHUNK)
                if is_first:
                    model.over.wait(60)
                else:
                    self.wfile.write(_END)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/chat/completions"
            self.over.set()
            server.shutdown()


@contextmanager
def recording(url: str) -> Iterator[None]:
    stop = threading.Event()
    with redis.Redis.from_url(url) as client:
        recorder = Recorder(client, Health("record", 15), RecorderTimings(write_s=0.2))

        def run() -> None:
            try:
                recorder.run(stop)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)
    assert not thread.is_alive()


def luna(url: str) -> None:
    region = Region.objects.create(slug=REGION, domain="a")
    config = {
        "url": url, "form": "openai_chat", "model": "m", "billing_acknowledged": True, "monthly_budget": 1.0,
        "input_price": 0.5, "output_price": 1.5,
    }  # fmt: skip
    wanted = {"name": "luna", "kind": CANARY_KIND, "config": config, "regions": [region]}
    create_monitor(default_team(), wanted)
    # Below what a form would save, so that the test is short.
    Monitor.objects.update(interval_s=INTERVAL_MS // 1000, timeout_ms=INTERVAL_MS)


def test_a_region_killed_in_the_middle_of_an_answer_asks_it_no_second_time(redis_url: str, tmp_path: Path) -> None:
    model = Model()
    with model.served() as url:
        luna(url)
        with dispatching(), recording(redis_url):
            with worker(redis_url, tmp_path / "first.log") as killed:
                until(lambda: model.asked, "the first question", 60)
                killed.kill()
            cut = min(Canary.objects.get().reserved)
            with worker(redis_url, tmp_path / "second.log"):
                until(lambda: len(Canary.objects.get().answers) >= 2, "two answers that are settled", 60)
    row = Canary.objects.get()
    answered = [str(answer[0]) for answer in row.answers]
    assert cut in row.reserved and cut not in answered
    # Each question was paid for first, the cut one included, and what was counted has been settled.
    assert model.asked <= len({*answered, *row.reserved})
    assert row.spent == 12_000 * len(answered)
    assert {answer[3] for answer in row.answers} == {False}
