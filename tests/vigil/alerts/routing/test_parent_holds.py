"""A parent's incident holds back its children's alerts, says so, and what is still down afterwards is told once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F

from tests.vigil.alerts.on_call_rows import monitor_of
from vigil.alerts import outbox
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.oncall.timers import run_due
from vigil.incidents.models import Incident, Transition
from vigil.monitors.dependencies import parents_of, set_parents

pytestmark = pytest.mark.django_db(transaction=True)
Step = Callable[..., Transition]
Webhook = Callable[..., Channel]


def enqueue(step: Transition) -> list[Delivery]:
    with transaction.atomic():
        return outbox.enqueue(step)


@pytest.fixture
def family(step: Step, webhook: Webhook) -> tuple[Transition, Transition]:
    """The first steps of the incidents of a gateway, and of what stands behind it; nothing is told yet."""
    webhook("/a")
    gateway, behind = step(), step()
    for opened, name in ((gateway, "gateway"), (behind, "behind")):
        monitor_of(opened).name = name
        monitor_of(opened).save()
    set_parents(monitor_of(behind), [monitor_of(gateway)])
    return gateway, behind


def begins(incident: Incident, ago_s: float) -> None:
    incident.started_at = incident.opened_at = datetime.now(UTC) - timedelta(seconds=ago_s)
    incident.save()


def ended(incident: Incident, ago_s: float) -> None:
    incident.resolved_at = datetime.now(UTC) - timedelta(seconds=ago_s)
    incident.save()


def time_passes() -> None:
    """As if it were time to look again at what is held."""
    Delivery.objects.filter(state="held").update(recheck_at=F("created_at"))


def states(opened: Transition) -> list[tuple[str, str]]:
    return list(Delivery.objects.filter(incident=opened.incident).values_list("event", "state"))


def test_the_child_is_held_back_and_says_by_whom(family: tuple[Transition, Transition]) -> None:
    gateway, behind = family
    enqueue(gateway)
    (held,) = enqueue(behind)
    assert (held.state, held.withheld) == ("held", "held_by_parent")
    assert held.held_by == f"gateway is in {gateway.incident.public_id}"
    assert states(gateway) == [("trigger", "pending")]


def test_what_is_still_down_after_the_parent_is_told_exactly_once(
    family: tuple[Transition, Transition],
) -> None:
    gateway, behind = family
    begins(gateway.incident, 900)
    begins(behind.incident, 890)
    enqueue(gateway), enqueue(behind)
    ended(gateway.incident, 30)
    time_passes()
    assert run_due() == 0
    assert Delivery.objects.get(incident=behind.incident).held_by.startswith("gateway has just recovered")

    ended(gateway.incident, 121)
    time_passes()
    released: list[int] = []
    together = threading.Barrier(2)

    def release() -> None:
        together.wait(10)
        released.append(run_due())
        connection.close()

    threads = [threading.Thread(target=release) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(released) == 1 and run_due() == 0
    assert states(behind) == [("trigger", "pending")]


def test_a_child_that_recovers_with_its_parent_is_never_told(family: tuple[Transition, Transition], step: Step) -> None:
    gateway, behind = family
    enqueue(gateway), enqueue(behind)
    ended(gateway.incident, 20)
    assert enqueue(step("resolved", behind.incident)) == []
    ended(gateway.incident, 500)
    time_passes()
    assert run_due() == 0
    assert states(behind) == [("trigger", "withheld")]


def test_a_child_that_failed_long_before_its_parent_is_not_swallowed(
    family: tuple[Transition, Transition], step: Step
) -> None:
    gateway, behind = family
    begins(behind.incident, 300)
    begins(gateway.incident, 10)
    enqueue(gateway), enqueue(behind)
    assert states(behind) == [("trigger", "pending")]
    # Nor is its end, nor is what was told taken back.
    enqueue(step("resolved", behind.incident))
    assert states(behind) == [("resolve", "pending"), ("trigger", "pending")]


def test_a_child_that_is_confirmed_first_waits_for_its_parent_and_is_held(
    family: tuple[Transition, Transition],
) -> None:
    gateway, behind = family
    Incident.objects.filter(pk=gateway.incident_id).update(resolved_at=datetime.now(UTC) - timedelta(days=1))
    (held,) = enqueue(behind)
    assert (held.state, held.held_by) == ("held", "gateway: its verdict is pending")
    assert held.held_until is not None and held.held_until - behind.incident.opened_at <= timedelta(seconds=30)
    Incident.objects.filter(pk=gateway.incident_id).update(resolved_at=None)
    enqueue(gateway)
    time_passes()
    assert run_due() == 0
    assert Delivery.objects.get(incident=behind.incident).held_by == f"gateway is in {gateway.incident.public_id}"


def test_a_child_that_fails_alone_is_told_after_some_seconds(family: tuple[Transition, Transition]) -> None:
    gateway, behind = family
    Incident.objects.filter(pk=gateway.incident_id).update(resolved_at=datetime.now(UTC) - timedelta(days=1))
    enqueue(behind)
    Incident.objects.filter(pk=behind.incident_id).update(opened_at=datetime.now(UTC) - timedelta(seconds=31))
    time_passes()
    assert run_due() == 1
    assert states(behind) == [("trigger", "pending")]


def test_a_parent_that_nobody_is_told_of_explains_nothing(family: tuple[Transition, Transition]) -> None:
    _, behind = family
    enqueue(behind)
    assert states(behind) == [("trigger", "pending")]


def test_a_child_that_gets_worse_than_its_parent_is_told(step: Step, family: tuple[Transition, Transition]) -> None:
    gateway, behind = family
    for opened in family:
        opened.incident.kind = "degraded"
        opened.incident.save()
    enqueue(gateway), enqueue(behind)
    behind.incident.kind = "outage"
    enqueue(step("changed", behind.incident))
    assert ("trigger", "pending") in states(behind)


def test_dependencies_go_round_in_no_circle(family: tuple[Transition, Transition], step: Step) -> None:
    gateway, behind = (monitor_of(opened) for opened in family)
    third = monitor_of(step())
    third.name = "third"
    third.save()
    set_parents(third, [behind])
    with pytest.raises(ValidationError, match="gateway needs third needs behind needs gateway"):
        set_parents(gateway, [third])
    assert parents_of(gateway) == [] and parents_of(behind) == [gateway]
