"""`trial` tries every monitor once, waits for the next minute where it must, and fails when one is not up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from probes import keys
from probes.process.redis_streams import redis_now_ms
from probes.reasons import Reason, Status
from tests.vigil.api.monitors.test_trials import answers, lives, regions
from tests.vigil.cli.code.test_plan_and_apply import remote
from tests.vigil.code.core.test_document import BASE, document
from vigil.cli import main
from vigil.cli.code.local_installation import LocalInstallation
from vigil.cli.code.trial import try_all
from vigil.dispatch.core.trials import decode_trial
from vigil.dispatch.trial_answers import open_field
from vigil.dispatch.trial_limits import TrialLane


class Regions(LocalInstallation):
    """An installation that takes so many trials a minute, answers each at once, and finds databases down."""

    def __init__(self, a_minute: int) -> None:
        self.tried: list[dict[str, Any]] = []
        self.now_s, self._a_minute, self.requests = 0.0, a_minute, 0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def begin_trial(self, fields: dict[str, Any]) -> tuple[dict[str, Any] | None, float]:
        self.requests += 1
        minute = int(self.now_s // 60)
        if len(self.tried) >= (minute + 1) * self._a_minute:
            return None, 60 * (minute + 1) - self.now_s
        self.tried.append(fields)
        return {"id": str(len(self.tried) - 1)}, 0

    def trial(self, public_id: str) -> dict[str, Any]:
        self.requests += 1
        status = "down" if self.tried[int(public_id)]["kind"] == "tcp" else "up"
        seen = [{"region": "eu", "status": status, "words": "eu: refused"}]
        return {"state": "done", "verdict": {"status": status}, "regions": seen}


def test_two_thousand_monitors_are_tried_in_ten_minutes_with_fewer_requests_than_a_token_has() -> None:
    tcp = "{tcp: {host: h%s.example, port: 1}}"
    lines = [f"  m{number}: {tcp % (number % 40)}" for number in range(2_000)]
    found = document("\n".join(["version: 1", "monitors:", *lines])).objects["monitors"].values()
    there = Regions(TrialLane.OF_FILE.most)
    rows = list(try_all(there, found, {}, there.sleep))
    assert {row["key"] for row in rows} == {f"m{number}" for number in range(2_000)}
    assert there.now_s <= 600 and there.requests < 3_000 * there.now_s / 60
    # Hosts take turns, since each has a limit of its own.
    assert len({fields["config"]["host"] for fields in there.tried[:40]}) == 40


def test_every_monitor_is_tried_with_its_secrets_and_waits_are_kept() -> None:
    there = Regions(1)
    found = document(BASE).objects["monitors"].values()
    rows = list(try_all(there, found, {"env:API_KEY": "a", "env:KEY": "k"}, there.sleep))
    assert {row["key"]: row["status"] for row in rows} == {"api": "up", "db": "down", "openai": "up"}
    assert (there.tried[0]["secrets"], there.tried[0]["interval_s"]) == ({"bearer": "a"}, 120)
    assert there.now_s >= 120
    assert next(row["words"] for row in rows if row["key"] == "db") == "eu: refused"


@pytest.fixture
def answering(redis_url: str) -> Iterator[None]:
    """Two regions that are there and find every tcp target down."""
    ended = threading.Event()

    def answer() -> None:
        told: set[bytes] = set()
        with redis.Redis.from_url(redis_url) as client:
            while not ended.wait(0.02):
                for name in set(client.scan_iter(keys.trial("*"))) - told:
                    stored = client.hgetall(name)
                    if b"*" in stored:
                        told.add(name)
                        trial_id = name.decode().removeprefix(keys.trial(""))
                        trial = decode_trial(open_field(trial_id, b"*", stored, redis_now_ms(client)))
                        bad = {"status": Status.DOWN, "reason": Reason.REFUSED} if trial.kind == "tcp" else {}
                        for region in ("eu", "us"):
                            answers(client, region, trial.id, **bad)

    with redis.Redis.from_url(redis_url) as client:
        for region in ("eu", "us"):
            lives(client, region)
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join(10)


TWO = """version: 1
defaults: {timeout: 5s}
monitors:
  a: {http: {url: "https://h.example/"}, secrets: {bearer: "${env:KEY}"}, regions: [eu, us]}
  b: {tcp: {host: h.example, port: 1}}
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("answering")
def test_regions_answer_the_command_here_and_elsewhere_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    regions("eu", "us")
    monkeypatch.setenv("KEY", "obviously-fake-key-777777")
    file = tmp_path / "vigil.yaml"
    file.write_text(TWO)
    assert main(["trial", str(file), "--json"]) == 1
    told = capsys.readouterr().out
    assert "obviously-fake" not in told
    here = json.loads(told)
    assert [(row["key"], row["status"]) for row in here] == [("a", "up"), ("b", "down")]
    assert here[1]["words"] == "eu (eu): down, connection refused; us (us): down, connection refused"
    assert main(["trial", str(file), "--only", "a"]) == 0
    wanted = document(TWO, {"env:KEY": "k"}).objects["monitors"].values()
    there = sorted(try_all(remote(), wanted, {"env:KEY": "k"}, time.sleep), key=lambda row: str(row["key"]))
    assert [(row["key"], row["status"], row["words"]) for row in there] == [
        (row["key"], row["status"], row["words"]) for row in here
    ]
    assert there[1]["trial"].keys() == here[1]["trial"].keys()


@pytest.mark.django_db
def test_what_cannot_be_tried_is_told_and_the_others_are_tried() -> None:
    text = "version: 1\nmonitors: {a: {tcp: {host: h.example, port: 1}, regions: [atlantis]}}\n"
    found = document(text).objects["monitors"].values()
    for there in (LocalInstallation(), remote()):
        rows = list(try_all(there, found, {}, print))
        assert rows[0]["status"] == "refused" and "atlantis" in rows[0]["words"]
