"""`trial` tries every monitor once, waits for the next minute where it must, and fails when one is not up."""

from __future__ import annotations

import json
import threading
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
from vigil.dispatch import trials
from vigil.dispatch.core.trials import decode_trial
from vigil.dispatch.trial_answers import open_field


class Regions(LocalInstallation):
    """An installation whose regions find the database down, and that takes one trial a minute."""

    def __init__(self) -> None:
        self.tried: list[dict[str, Any]] = []
        self.is_full = False

    def try_monitor(self, fields: dict[str, Any]) -> tuple[dict[str, Any] | None, float]:
        self.is_full = not self.is_full
        if not self.is_full:
            return None, 7.0
        self.tried.append(fields)
        status = "down" if fields["kind"] == "tcp" else "up"
        return {
            "verdict": {"status": status},
            "regions": [{"region": "eu", "status": status, "words": "eu: refused"}],
        }, 0


def test_every_monitor_is_tried_with_its_secrets_and_waits_are_kept() -> None:
    waits: list[float] = []
    there = Regions()
    found = document(BASE).objects["monitors"].values()
    rows = list(try_all(there, found, {"env:API_KEY": "a", "env:KEY": "k"}, waits.append))
    assert {row["key"]: row["status"] for row in rows} == {"api": "up", "db": "down", "openai": "up"}
    assert (there.tried[0]["secrets"], there.tried[0]["interval_s"]) == ({"bearer": "a"}, 120)
    assert waits == [7.0, 7.0]
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
    # A busy server answers before the trial is done; the command asks again until it is.
    monkeypatch.setattr(trials, "_waiting", threading.BoundedSemaphore(0))
    there = list(
        try_all(remote(), document(TWO, {"env:KEY": "k"}).objects["monitors"].values(), {"env:KEY": "k"}, print)
    )
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
