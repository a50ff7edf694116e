"""A real worker beside a real Redis whose control plane falls silent, and a real receiver of its alarm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from probes import keys
from probes.process.liveness import PARTS
from probes.worker.settings import SettingsError, read
from tests.signed import pass_mark_on, worker_environment, worker_settings
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[3]
REGION = "eu-west"


class Receiver:
    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/alarm"

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.got]

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                code = receiver.answers.pop(0) if receiver.answers else 200
                if code == 200:
                    receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(code)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """The test looks at `got`."""

        return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def control(redis_url: str) -> Iterator[Control]:
    control = Control(redis_url)
    yield control
    control.close()


class Control:
    """The control plane's signs of life, as long as it lives."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url)
        self.lives = threading.Event()
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._live)
        self.lives.set()
        self.thread.start()

    def _live(self) -> None:
        while not self.ends.wait(0.1):
            if self.lives.is_set():
                pass_mark_on(self.client, REGION)

    def close(self) -> None:
        self.ends.set()
        self.thread.join(5)
        self.client.close()


@pytest.fixture
def worker(redis_url: str, receiver: Receiver, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
        env |= {
            "VIGIL_REDIS_URL": redis_url,
            "VIGIL_EGRESS": "private",
            "VIGIL_REGION_ALARM_URL": receiver.url,
            "VIGIL_REGION_ALARM_AFTER_S": "2",
            "VIGIL_REGION_ALARM_MEMORY": str(tmp_path / "alarm.json"),
            **worker_environment(REGION),
            **settings,
        }
        one = subprocess.Popen([sys.executable, "-m", "probes", "--region", REGION], cwd=CHECKOUT, env=env)
        started.append(one)
        return one

    yield start
    for one in started:
        if one.poll() is None:
            one.terminate()
        one.wait(20)


def is_up(control: Control) -> Callable[[], bool]:
    return lambda: bool(control.client.exists(keys.status(REGION)))


def test_silence_is_told_once_through_a_restart_and_its_end_as_well(
    control: Control, receiver: Receiver, worker: Callable[..., Any], tmp_path: Path
) -> None:
    receiver.answers = [503]
    first = worker()
    until(is_up(control), within_s=30)
    assert receiver.got == []
    control.lives.clear()
    until(lambda: receiver.events == ["control_plane_silent"], within_s=30)
    said = json.loads(receiver.got[0][1])
    assert said["region"] == REGION and set(said["silent"]) == set(PARTS)
    assert "the whole control plane" in said["text"] == said["content"]
    until(
        lambda: (tmp_path / "alarm.json").exists() and "null" not in (tmp_path / "alarm.json").read_text(), within_s=10
    )

    first.kill()
    first.wait(20)
    control.client.delete(keys.status(REGION))
    worker()
    until(is_up(control), within_s=30)
    control.lives.set()
    until(lambda: len(receiver.events) > 1, within_s=30)
    assert receiver.events == ["control_plane_silent", "control_plane_back"]


def test_a_redis_that_is_gone_is_told_as_text_where_that_is_wanted(
    receiver: Receiver, worker: Callable[..., Any], tmp_path: Path
) -> None:
    memory = tmp_path / "alarm.json"
    now = time.time()
    memory.write_text(json.dumps({"marks": {}, "heard_s": dict.fromkeys(PARTS, now - 600), "raised_s": None}))
    gone = worker(VIGIL_REDIS_URL="redis://127.0.0.1:1/0", VIGIL_REGION_ALARM_FORMAT="text")
    until(lambda: bool(receiver.got), within_s=30)
    headers, body = receiver.got[0]
    assert headers["title"] == "Vigil is silent"
    assert body.decode().startswith(f"Vigil, region {REGION}: nothing heard of the whole control plane for")
    # The worker itself cannot start without Redis; its supervisor starts it again, and nothing is told twice.
    assert gone.wait(30) != 0
    assert len(receiver.got) == 1


def test_marks_that_the_control_plane_did_not_sign_break_no_silence(
    control: Control, receiver: Receiver, worker: Callable[..., Any]
) -> None:
    worker()
    until(is_up(control), within_s=30)
    control.lives.clear()

    def is_told_beside_forged_marks() -> bool:
        forged = {part: str(time.time_ns()) for part in PARTS}
        control.client.hset(keys.alive(REGION), mapping=forged)  # type: ignore[arg-type]
        return receiver.events == ["control_plane_silent"]

    until(is_told_beside_forged_marks, within_s=30)
    until(lambda: b"unsigned" in (control.client.get(keys.status(REGION)) or b""), within_s=30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("region_alarm_url", "ntfy.example"),
        ("region_alarm_url", "ftp://example.test/"),
        ("region_alarm_format", "xml"),
        ("region_alarm_after_s", "0"),
    ],
)
def test_a_wrong_setting_of_the_alarm_is_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"VIGIL_{name.upper()} is wrong"):
        read({"region": REGION, "redis_url": "redis://127.0.0.1:1/0", **worker_settings(REGION), name: value})


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"marks": 1, "heard_s": {}, "raised_s": null}', "\x00"])
def test_a_memory_that_is_no_memory_is_none(tmp_path: Path, kept: str) -> None:
    from probes.worker.alarm import _recall
    from probes.worker.control_plane_silence import NOTHING

    path = tmp_path / "alarm.json"
    path.write_text(kept)
    assert _recall(path) == NOTHING
