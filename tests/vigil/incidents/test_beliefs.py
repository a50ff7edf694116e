"""What is believed reaches Redis in full or not at all, and comes back from PostgreSQL after any loss."""

from __future__ import annotations

import pytest
import redis

from consensus.process.beliefs import BeliefReader
from consensus.verdicts import Dissent
from consensus.vocabulary import Observed
from probes import keys
from probes.reasons import Status
from tests.signed import macs, now_ms
from vigil.accounts.teams import default_team
from vigil.incidents.beliefs import Beliefs
from vigil.incidents.models import MonitorState
from vigil.incidents.sweep import reconcile_monitors
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitors() -> list[Monitor]:
    made = [
        create_monitor(default_team(), {"name": name, "kind": "http", "config": {"url": "https://example.test/"}})
        for name in ("a", "b", "c")
    ]
    reconcile_monitors(lambda step: None)
    MonitorState.objects.filter(monitor=made[0]).update(status=Status.UP)
    MonitorState.objects.filter(monitor=made[1]).update(
        status=Status.DOWN, dissent={"eu-west": {"saw": "passing", "rounds": 1}}
    )
    return made


def test_only_monitors_that_are_not_plainly_up_have_a_belief(monitors: list[Monitor], redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        Beliefs(client).rebuild()
        believed = BeliefReader(client, macs(), now_ms).read()

    assert believed is not None
    assert {monitor: belief.status for monitor, belief in believed.beliefs.items()} == {
        monitors[1].public_id: Status.DOWN,
        monitors[2].public_id: Status.UNKNOWN,
    }
    assert believed.beliefs[monitors[1].public_id].dissent == {"eu-west": Dissent(Observed.PASSING, 1)}


def test_a_change_is_published_and_read_once(monitors: list[Monitor], redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        beliefs, reader = Beliefs(client), BeliefReader(client, macs(), now_ms)
        beliefs.rebuild()
        reader.read()
        assert reader.read() is None

        MonitorState.objects.filter(monitor=monitors[1]).update(status=Status.UP, dissent={})
        beliefs.publish([monitors[1].public_id])

        believed = reader.read()
        assert believed is not None
        assert set(believed.beliefs) == {monitors[2].public_id}
        assert believed.changed == {monitors[1].public_id}


def test_changes_are_read_alone_unless_one_was_missed(monitors: list[Monitor], redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        beliefs, reader = Beliefs(client), BeliefReader(client, macs(), now_ms)
        beliefs.rebuild()
        reader.read()
        for status in (Status.DEGRADED, Status.UP, Status.DOWN):
            MonitorState.objects.filter(monitor=monitors[2]).update(status=status)
            beliefs.publish([monitors[2].public_id])
        followed = reader.read()
        assert followed is not None and followed.changed == {monitors[2].public_id}
        assert followed.beliefs[monitors[2].public_id].status is Status.DOWN

        beliefs.publish([monitors[1].public_id])
        client.delete(keys.BELIEF_CHANGES)
        beliefs.publish([monitors[2].public_id])
        reread = reader.read()
        assert reread is not None and reread.changed is None
        assert dict(reread.beliefs) == dict(BeliefReader(client, macs(), now_ms).read().beliefs)  # type: ignore[union-attr]

        beliefs.rebuild()
        rebuilt = reader.read()
        assert rebuilt is not None and rebuilt.changed is None


def test_after_a_loss_a_change_rebuilds_everything(monitors: list[Monitor], redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        beliefs = Beliefs(client)
        beliefs.rebuild()
        client.flushdb()
        assert not beliefs.is_complete()

        beliefs.publish([monitors[1].public_id])

        assert client.hkeys(keys.BELIEVED) and client.hlen(keys.BELIEVED) == 3


def test_consensus_does_not_take_a_part_for_the_whole(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(keys.BELIEVED, "mon_a", b"half")

        assert BeliefReader(client, macs(), now_ms).read() is None
