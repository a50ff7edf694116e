"""Parts of the control plane and regions see which parts live, by marks that no other user of Redis can make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from probes import keys
from probes.process import liveness
from probes.process.liveness import MARK_LIFE_S, PARTS, Liveness, LivenessReporter, read_marks, silent_parts
from probes.process.redis_streams import redis_now_ms
from probes.reasons import Refusal
from probes.signing.control_macs import ControlMacs
from probes.worker.orders import OrderAdmission
from tests.signed import control_public, control_signer, macs, mark_alive, now_ms
from tests.waiting import until

REGION = "eu-west"


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def heard(client: Any, region: str = REGION) -> dict[str, bytes | None]:
    """What a region's worker takes of its marks, by field."""
    admission = OrderAdmission(region, (control_public(),), now_ms)
    found = client.hgetall(keys.alive(region)).items()
    return {field.decode(): admission.verified(keys.heard_by(region, field.decode()), value) for field, value in found}


def passed_on(client: Any, *regions: str) -> None:
    Liveness(client, "ingest", macs(), control_signer()).beat(regions or (REGION,))


def test_a_part_writes_its_mark_and_signs_all_marks_for_each_region(client: Any) -> None:
    Liveness(client, "dispatch", macs()).beat()
    passed_on(client, "eu-west", "us-east")
    assert set(heard(client)) == {"dispatch", "ingest"} and all(heard(client).values())
    assert heard(client)["dispatch"] == read_marks(client, PARTS, macs())["dispatch"]
    Liveness(client, "deliver", macs()).beat()
    assert "deliver" not in heard(client), "that is passed on with the next"
    client.hset(keys.alive("us-east"), mapping=client.hgetall(keys.alive("eu-west")))
    assert not any(heard(client, "us-east").values()), "what one region hears says nothing to another"


FORGED = {
    "unsigned": (b"", Refusal.UNSIGNED),
    "of an earlier release": (b"1800000000000", Refusal.WRONG_VERSION),
    "with another key": (ControlMacs([b"x" * 32]).value(keys.mark_of("dispatch"), b"1", now_ms()), Refusal.UNKNOWN_KEY),
    "of another part": (None, Refusal.FORGED),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_mark_of_another_user_counts_as_none_and_by_cause(client: Any, how: str) -> None:
    written, cause = FORGED[how]
    value = macs().value(keys.mark_of("deliver"), b"1", redis_now_ms(client)) if written is None else written
    client.hset(keys.ALIVE, "dispatch", value)
    assert read_marks(client, ["dispatch"], macs()) == {"dispatch": cause}
    assert silent_parts(client, ["dispatch"], macs()) == ("dispatch",)
    passed_on(client)
    assert set(heard(client)) == {"ingest"}
    assert client.hgetall(keys.REFUSED) == {f"alive/{cause}".encode(): b"1"}


def test_a_mark_of_a_part_that_fell_silent_is_none_and_is_passed_on_no_more(client: Any) -> None:
    mark_alive(client)
    assert silent_parts(client, PARTS, macs()) == ()
    passed_on(client)
    assert set(heard(client)) == set(PARTS)
    old_ms = redis_now_ms(client) - MARK_LIFE_S * 1000 - 1
    client.hset(keys.ALIVE, "deliver", macs().value(keys.mark_of("deliver"), b"1", old_ms))
    assert silent_parts(client, PARTS, macs()) == ("deliver",)
    passed_on(client)
    assert set(heard(client)) == set(PARTS) - {"deliver"}
    assert not client.exists(keys.REFUSED), "silence is no forgery"


def test_a_part_that_does_not_sign_speaks_to_no_region(client: Any) -> None:
    part = Liveness(client, "consensus", macs())
    with pytest.raises(TypeError, match="signs"):
        part.beat([REGION])
    with pytest.raises(TypeError, match="signs"):
        part.dismiss((), [REGION])
    assert not client.exists(keys.alive(REGION))


def test_a_reporter_writes_only_while_its_loop_is_well(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "EVERY_S", 0.05)
    asked = 0

    def is_well() -> bool:
        nonlocal asked
        asked += 1
        return False

    well = LivenessReporter(client, "deliver", macs(), lambda: True)
    sick = LivenessReporter(client, "ingest", macs(), is_well)
    for pulse in (sick, well):
        pulse.start()
    until(lambda: asked > 2 and client.hexists(keys.ALIVE, "deliver"), within_s=10)
    for pulse in (sick, well):
        pulse.stop()
        pulse.join(10)
    assert silent_parts(client, ("deliver", "ingest"), macs()) == ("ingest",)
