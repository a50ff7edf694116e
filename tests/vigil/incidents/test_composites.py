"""Composites keep step with their members, in the members' own transaction, and a sweep mends what a crash left."""

from __future__ import annotations

import pytest

from probes.reasons import Status
from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.incidents.composites import sweep_composites
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.incidents.sweep import reconcile_monitors
from vigil.monitors.changes import set_paused
from vigil.monitors.composites import Member, create_composite, update_composite
from vigil.monitors.models import Composite, Monitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return World()


def chain(name: str, *monitors: Monitor) -> Composite:
    members = [Member(monitor, rank) for rank, monitor in enumerate(monitors)]
    return create_composite(default_team(), {"name": name, "rule": "chain", "members": members})


def steps(name: str) -> list[tuple[str, str]]:
    found = Transition.objects.filter(incident__monitor__name=name).order_by("incident_id", "seq")
    return [(step.step, step.incident.kind) for step in found]


def status(composite: Composite) -> str:
    return MonitorState.objects.get(monitor=composite.monitor).status


def settled(world: World, *monitors: Monitor) -> None:
    """Every monitor passes once, and the composites know of it."""
    for monitor in monitors:
        world.see(monitor, "pass")
    reconcile_monitors(world.told.append)
    sweep_composites(world.told.append)


def test_a_monitor_cannot_take_over_from_itself(world: World) -> None:
    only = world.monitor("openai")
    members = [Member(only, 0, "gpt-x"), Member(only, 1, "gpt-mini")]
    whole = create_composite(default_team(), {"name": "chat", "rule": "readiness", "members": members})
    settled(world, only)
    assert status(whole) == Status.DEGRADED
    assert "If openai died now, nothing would serve" in world.told[-1].text


def test_primary_down_informs_both_down_pages_and_both_back_resolves(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    whole = chain("chat", primary, spare)
    settled(world, primary, spare)
    assert status(whole) == Status.UP

    assert whole.monitor.public_id in world.see(primary, "fail")
    assert steps("chat") == [("opened", "degraded")]
    world.see(spare, "fail")
    assert steps("chat") == [("opened", "outage"), ("changed", "outage")]
    world.see(spare, "pass", "pass")
    world.see(primary, "pass", "pass")

    assert [step for step, _ in steps("chat")] == ["opened", "changed", "note", "resolved"]
    assert status(whole) == Status.UP
    opened = Transition.objects.get(incident__monitor=whole.monitor, step="changed")
    assert [one["name"] for one in opened.evidence["members"]] == ["openai", "anthropic"]
    assert opened.incident.title == "chat: nothing serves"
    assert "openai (refused)" in opened.text


def test_the_composite_steps_in_the_transaction_of_its_member(world: World) -> None:
    primary = world.monitor("openai")
    whole = chain("chat", primary)
    settled(world, primary)

    def killed(step: Transition) -> None:
        if step.incident.monitor_id == whole.monitor_id:
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        world.see(primary, "fail", enqueue=killed)
    assert not Incident.objects.exists()
    world.see(primary, "fail")
    assert {incident.monitor_id for incident in Incident.objects.all()} == {primary.pk, whole.monitor_id}


def test_a_sweep_does_nothing_twice_and_mends_what_it_finds_behind(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    settled(world, primary, spare)
    world.see(primary, "fail")
    world.see(spare, "fail")
    whole = chain("chat", primary, spare)
    reconcile_monitors(world.told.append)

    assert sweep_composites(world.told.append) == {whole.monitor.public_id}
    assert steps("chat") == [("opened", "outage")]
    assert sweep_composites(world.told.append) == frozenset()
    assert steps("chat") == [("opened", "outage")]


def test_a_sweep_that_is_killed_leaves_nothing_behind(world: World) -> None:
    primary = world.monitor("openai")
    settled(world, primary)
    world.see(primary, "fail")
    whole = chain("chat", primary)
    reconcile_monitors(world.told.append)

    def killed(step: Transition) -> None:
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        sweep_composites(killed)
    assert status(whole) == Status.UNKNOWN and steps("chat") == []
    sweep_composites(world.told.append)
    assert steps("chat") == [("opened", "outage")]


def test_a_nested_composite_follows_in_the_same_transaction(world: World) -> None:
    one, two, other = world.monitor("a"), world.monitor("b"), world.monitor("c")
    inner = chain("inner", one, two)
    members = [Member(inner.monitor), Member(other)]
    outer = create_composite(default_team(), {"name": "outer", "rule": "all", "members": members})
    settled(world, one, two, other)
    assert status(outer) == Status.UP

    world.see(one, "fail")
    assert (status(inner), status(outer)) == (Status.DEGRADED, Status.DEGRADED)
    changed = world.see(two, "fail")
    assert (status(inner), status(outer)) == (Status.DOWN, Status.DOWN)
    assert {inner.monitor.public_id, outer.monitor.public_id} <= changed


def test_a_member_that_cannot_be_seen_neither_opens_nor_closes(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    whole = chain("chat", primary, spare)
    settled(world, primary, spare)
    world.see(primary, "missed")
    assert status(whole) == Status.UP
    world.see(primary, "fail")
    world.see(spare, "fail")
    world.see(spare, "missed")
    assert (status(whole), steps("chat")[-1]) == (Status.DOWN, ("changed", "outage"))


def test_a_paused_member_leaves_the_count(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    whole = chain("chat", primary, spare)
    settled(world, primary, spare)
    world.see(primary, "fail")
    set_paused(spare, True)
    reconcile_monitors(world.told.append)

    sweep_composites(world.told.append)

    assert status(whole) == Status.DOWN


def test_a_refused_key_does_not_serve(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    whole = chain("chat", primary, spare)
    settled(world, primary, spare)
    world.see(primary, "auth")
    assert status(whole) == Status.DEGRADED
    assert Incident.objects.get(monitor=whole.monitor).failure == "auth"


def test_a_paused_composite_is_resolved_and_left_alone(world: World) -> None:
    primary = world.monitor("openai")
    whole = chain("chat", primary)
    settled(world, primary)
    world.see(primary, "fail")
    set_paused(whole.monitor, True)
    reconcile_monitors(world.told.append)
    assert sweep_composites(world.told.append) == frozenset()
    assert steps("chat")[-1] == ("resolved", "outage")

    set_paused(whole.monitor, False)
    reconcile_monitors(world.told.append)
    sweep_composites(world.told.append)
    assert [step for step, _ in steps("chat")] == ["opened", "resolved", "opened"]


def test_changing_the_members_changes_what_is_believed(world: World) -> None:
    primary, spare = world.monitor("openai"), world.monitor("anthropic")
    whole = chain("chat", primary)
    settled(world, primary, spare)
    world.see(primary, "fail")
    update_composite(whole, {"members": [Member(primary), Member(spare, 1)]})

    sweep_composites(world.told.append)

    assert (status(whole), steps("chat")[-1]) == (Status.DEGRADED, ("note", "outage"))


def test_a_heartbeat_may_be_a_member(world: World) -> None:
    from vigil.monitors.changes import create_derived
    from vigil.monitors.models import DerivedKind

    job = create_derived(default_team(), DerivedKind.HEARTBEAT, {"name": "nightly"})
    whole = chain("backup", job)
    reconcile_monitors(world.told.append)
    MonitorState.objects.filter(monitor=job).update(status=Status.DOWN)

    sweep_composites(world.told.append)

    assert status(whole) == Status.DOWN
