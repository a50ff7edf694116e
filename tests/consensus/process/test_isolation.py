"""Consensus with a fault planted at each step, and with poison among what it reads: both deciders go on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from msgspec.structs import replace

import consensus.process.service
import consensus.process.stream
import consensus.rounds
import probes.process.redis_streams
from consensus.fold import Fold
from consensus.process.beliefs import BeliefReader
from consensus.process.handover import Handover
from consensus.process.service import Consensus
from consensus.process.settings import ConsensusSettings
from consensus.process.stream import Arrival, Streams
from consensus.verdicts import Round, encode
from probes import keys, wire
from probes.process.dead_letters import waiting_letters
from probes.process.health import Health
from tests.consensus.examples import FIVE_REGIONS, make_result, make_round
from tests.planting import Fault, plant, plant_poison
from tests.signed import control_entry, macs, report, trust
from tests.streams import entries
from tests.waiting import until

REGIONS = sorted(FIVE_REGIONS)
#: Most that a fault may cost the others (s).
DELAY_S = 5.0


class Scene:
    """One Redis, with two deciders on it in threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.Redis.from_url(url)
        self.client.hset(keys.BELIEVED, keys.BELIEVED_MARK.decode(), "1")
        trust(self.client, *REGIONS)

    def now_ms(self) -> int:
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def report(self, region: str, round: Round, monitor: str = "") -> None:
        result = make_result("fail", round.id, 1, self.now_ms())
        result = replace(result, monitor=monitor or round.monitor)
        report(self.client, region, result)

    def fail(self, monitor: str = "mon_example") -> Round:
        """A round of which every region says that its target fails."""
        base = make_round(opened_ms=self.now_ms())
        round = replace(base, id=f"{base.id}-{monitor}-{self.now_ms()}", monitor=monitor)
        self.client.xadd(keys.ROUNDS, control_entry(keys.ROUNDS, encode(round)))
        for region in REGIONS:
            self.report(region, round)
        return round

    def is_decided(self, monitor: str) -> bool:
        return any(monitor.encode() in fields[keys.BODY] for _, fields in entries(self.client, keys.VERDICTS))

    def decided_after_s(self, round: Round, due_ms: int = 0) -> float:
        """How long after its last vote, or after `due_ms`, its verdict was written, both on the clock of Redis."""
        (written, *_) = [
            entry for entry, fields in entries(self.client, keys.VERDICTS) if round.id.encode() in fields[keys.BODY]
        ]
        voted = [
            keys.entry_id(entry)[0]
            for region in REGIONS
            for entry, fields in entries(self.client, keys.results(region))
            if round.id.encode() in fields[keys.BODY]
        ]
        return (keys.entry_id(written)[0] - max(due_ms, *voted)) / 1000

    def letters(self) -> list[tuple[str, str]]:
        return [
            (one.step, one.origin) for _, one in waiting_letters(self.client, macs(), 100) if one and not one.settled
        ]

    @contextlib.contextmanager
    def running(self) -> Iterator[list[threading.Thread]]:
        stop = threading.Event()
        settings = ConsensusSettings(redis_url=self.url)  # type: ignore[arg-type]
        deciders = [Consensus(settings, Health("consensus", 15)) for _ in range(2)]
        threads = [threading.Thread(target=one.run, args=(stop,), daemon=True) for one in deciders]
        for thread in threads:
            thread.start()
        try:
            yield threads
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)


@pytest.fixture
def scene(redis_url: str) -> Iterator[Scene]:
    scene = Scene(redis_url)
    yield scene
    scene.client.close()


STEPS = [
    (probes.process.redis_streams, "read_streams", 4),
    (consensus.process.stream, "admit_round", 1),
    (BeliefReader, "read", 4),
    (Streams, "follow", 4),
    (Streams, "trim", None),
    (Streams, "write", 1),
    (Fold, "open", 1),
    (Fold, "result", 1),
    (Fold, "rechecks", None),
    (Fold, "judge_regions", None),
    (Fold, "forget_before", None),
    (Handover, "write_some", None),
    (consensus.process.service, "put_right", None),
]


@pytest.mark.parametrize(("place", "step", "times"), STEPS, ids=[step for _, step, _ in STEPS])
def test_s01_a_fault_at_a_step_ends_no_decider(
    scene: Scene, place: Any, step: str, times: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = plant(monkeypatch, place, step, times)
    with scene.running() as threads:
        until(lambda: scene.client.exists(keys.lease("consensus")), "the lease")
        scene.fail("mon_first")
        if step == "put_right":
            scene.client.set(keys.results("eu-west"), "of another kind")
        until(lambda: fault.raised > 0, "the fault")
        scene.client.delete(keys.results("eu-west")) if step == "put_right" else None
        second = scene.fail("mon_second")
        until(lambda: scene.is_decided("mon_second"), "the next round")
        assert scene.decided_after_s(second) < DELAY_S
        assert all(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("fault", [Fault, OverflowError, UnicodeDecodeError, RecursionError, MemoryError])
def test_s01_a_result_that_cannot_be_folded_costs_itself(
    scene: Scene, fault: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_poison(fold: Fold, region: str, result: wire.Result, *_: Any) -> bool:
        return result.monitor == "mon_poison"

    plant_poison(monkeypatch, Fold, "result", is_poison, fault)
    with scene.running() as threads:
        until(lambda: scene.client.exists(keys.lease("consensus")), "the lease")
        for region in REGIONS:
            scene.report(region, make_round(opened_ms=scene.now_ms()), monitor="mon_poison")
        good = scene.fail("mon_good")
        until(lambda: scene.is_decided("mon_good"), "the round behind it")
        assert scene.decided_after_s(good) < DELAY_S
        until(lambda: len(set(scene.letters())) == len(REGIONS), "the letters")
        assert all(thread.is_alive() for thread in threads)
    assert {step for step, _ in scene.letters()} == {"fold"}


def test_s01_what_passed_elsewhere_counts_beside_a_result_that_cannot_be_folded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    decider, passed = Consensus(ConsensusSettings(redis_url=scene.url), Health("consensus", 15)), list[str]()  # type: ignore[arg-type]
    plant_poison(monkeypatch, Fold, "result", lambda *_: True)
    monkeypatch.setattr(Fold, "passed_elsewhere", lambda fold, region, monitors, at_ms: passed.extend(monitors))
    decider._take_again(Arrival("eu-west", [make_result("fail")], scene.now_ms(), ["mon_of_another_shard"]))
    assert passed == ["mon_of_another_shard"]


def test_s01_an_entry_that_cannot_be_decoded_costs_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_poison(monkeypatch, consensus.process.stream, "admit_round", lambda body: b"mon_poison" in body)
    with scene.running() as threads:
        until(lambda: scene.client.exists(keys.lease("consensus")), "the lease")
        scene.fail("mon_poison")
        good = scene.fail("mon_good")
        until(lambda: scene.is_decided("mon_good"), "the round behind it")
        assert scene.decided_after_s(good) < DELAY_S
        until(lambda: ("decode", keys.ROUNDS) in scene.letters(), "the letter")
        assert all(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("step", ["decide", "vote_of", "verdict_of"])
def test_s01_a_round_that_cannot_be_decided_stops_no_other(
    scene: Scene, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_poison(first: Any, second: Any, *_: Any) -> bool:
        return "mon_poison" in (getattr(first, "monitor", ""), getattr(second, "monitor", ""))

    plant_poison(monkeypatch, consensus.rounds, step, is_poison)
    with scene.running() as threads:
        until(lambda: scene.client.exists(keys.lease("consensus")), "the lease")
        scene.fail("mon_poison")
        good = scene.fail("mon_good")
        until(lambda: scene.is_decided("mon_good"), "the other round")
        assert scene.decided_after_s(good) < DELAY_S
        until(scene.letters, "the letter")
        assert all(thread.is_alive() for thread in threads)


def test_s01_a_vote_that_cannot_be_counted_takes_only_itself_out_of_its_round(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_poison(elector: Any, result: Any, *_: Any) -> bool:
        return bool(elector.region == REGIONS[0])

    plant_poison(monkeypatch, consensus.rounds, "vote_of", is_poison, OverflowError)
    with scene.running():
        until(lambda: scene.client.exists(keys.lease("consensus")), "the lease")
        down = scene.fail("mon_down")
        until(lambda: scene.is_decided("mon_down"), "the verdict of the other four")
        assert scene.decided_after_s(down, due_ms=down.looks_ms[-1] + down.look_length_ms) < DELAY_S
