"""What a composite may be made of, and that no circle is ever stored."""

from __future__ import annotations

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor, delete_monitor
from vigil.monitors.composites import DEPTH_MOST, Member, create_composite, members_of, update_composite
from vigil.monitors.models import Composite, Monitor


def monitor(name: str, team: Team | None = None) -> Monitor:
    config = {"url": "https://example.test/"}
    return create_monitor(team or default_team(), {"name": name, "kind": "http", "config": config})


def whole(name: str, *monitors: Monitor, **wanted: object) -> Composite:
    members = [Member(one) for one in monitors]
    return create_composite(default_team(), {"name": name, "rule": "any", "members": members, **wanted})


@pytest.mark.django_db
def test_a_circle_is_refused_and_named() -> None:
    a = whole("a", monitor("m"))
    b = whole("b", a.monitor)
    c = whole("c", b.monitor)
    with pytest.raises(ValidationError, match="a contains c contains b contains a"):
        update_composite(a, {"members": [Member(c.monitor)]})
    with pytest.raises(ValidationError, match="a contains a"):
        update_composite(a, {"members": [Member(a.monitor)]})
    assert [member.monitor.name for member in members_of(a)] == ["m"]


@pytest.mark.django_db(transaction=True)
def test_two_who_each_add_half_of_a_circle_do_not_both_succeed() -> None:
    m = monitor("m")
    a, b = whole("a", m), whole("b", m)
    together = threading.Barrier(2)
    refused: list[str] = []

    def add(one: Composite, other: Composite) -> None:
        together.wait(10)
        try:
            update_composite(one, {"members": [Member(other.monitor)]})
        except ValidationError as problem:
            refused.append(problem.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(refused) == 1 and "cycle" in refused[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "field", "problem"),
    [
        ({"members": []}, "members", "1 to 200"),
        ({"rule": "at_least", "k": 2}, "k", "at most all 1"),
        ({"rule": "most"}, "rule", "Must be one of"),
    ],
)
def test_what_makes_no_sense_is_refused(wanted: dict[str, object], field: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as refused:
        whole("x", monitor("m"), **wanted)
    assert set(refused.value.message_dict) == {field}
    assert not Composite.objects.exists() and not Monitor.objects.filter(name="x").exists()


@pytest.mark.django_db(transaction=True)
def test_only_living_monitors_of_the_same_team_once_each() -> None:
    other, gone, fine = monitor("o", Team.objects.create(name="O", slug="o")), monitor("gone"), monitor("fine")
    delete_monitor(gone)
    gone.refresh_from_db()
    for members, problem in (((other,), "same team"), ((gone,), "deleted"), ((fine, fine), "twice")):
        with pytest.raises(ValidationError, match=problem):
            whole("x", *members)


@pytest.mark.django_db
def test_nesting_has_an_end() -> None:
    top = monitor("m")
    for level in range(DEPTH_MOST):
        top = whole(f"level {level}", top).monitor
    with pytest.raises(ValidationError, match="at most 10 deep"):
        whole("one more", top)


@pytest.mark.django_db
def test_a_change_raises_the_revision_once_and_the_same_again_changes_nothing() -> None:
    m, n = monitor("m"), monitor("n")
    made = whole("x", m)
    assert update_composite(made, {"members": [Member(m), Member(n)], "rule": "at_least", "k": 2, "name": "y"})
    assert not update_composite(made, {"members": [Member(n), Member(m)], "k": 2, "name": "y"})
    made = Composite.objects.select_related("monitor").get(pk=made.pk)
    assert (made.monitor.name, made.monitor.revision, made.k) == ("y", 2, 2)
