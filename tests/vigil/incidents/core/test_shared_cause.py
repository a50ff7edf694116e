"""What incidents that open together have in common."""

from __future__ import annotations

import pytest

from vigil.incidents.core.shared_cause import FailingMonitor, belongs, is_mass, shared_cause

SHOP = FailingMonitor("inc_1", "shop.test", frozenset({"192.0.2.1"}))
MAIL = FailingMonitor("inc_2", "mail.test", frozenset({"192.0.2.9", "192.0.2.1"}))
ELSEWHERE = FailingMonitor("inc_3", "elsewhere.test", frozenset({"192.0.2.77"}))
NAMELESS = FailingMonitor("inc_4", "", frozenset())


@pytest.mark.parametrize(
    ("new", "recent", "cause"),
    [
        (SHOP, [], ""),
        (SHOP, [ELSEWHERE], ""),
        (NAMELESS, [NAMELESS, SHOP], ""),
        (SHOP, [ELSEWHERE, FailingMonitor("inc_5", "shop.test")], "host:shop.test"),
        (SHOP, [MAIL], "address:192.0.2.1"),
        (SHOP, [MAIL, FailingMonitor("inc_5", "shop.test")], "host:shop.test"),
    ],
)
def test_the_same_host_or_else_the_same_address_is_a_shared_cause(
    new: FailingMonitor, recent: list[FailingMonitor], cause: str
) -> None:
    assert shared_cause(new, recent) == cause


def test_a_mass_event_is_named_after_its_first_incident_and_keeps_its_name() -> None:
    assert shared_cause(ELSEWHERE, [SHOP, MAIL], mass=True) == "mass:inc_1"
    later = [
        FailingMonitor("inc_7", "a.test", cause="host:a.test"),
        FailingMonitor("inc_8", "b.test", cause="mass:inc_1"),
    ]
    assert shared_cause(ELSEWHERE, later, mass=True) == "mass:inc_1"


@pytest.mark.parametrize(
    ("failing", "monitors", "mass"), [(9, 9, False), (10, 10, True), (10, 33, True), (10, 34, False), (31, 100, True)]
)
def test_a_mass_is_ten_monitors_and_more_than_three_tenths_of_all(failing: int, monitors: int, mass: bool) -> None:
    assert is_mass(failing, monitors) is mass


def test_those_that_opened_before_join_a_cause_unless_they_have_one() -> None:
    assert belongs("host:shop.test", SHOP)
    assert not belongs("host:shop.test", MAIL)
    assert belongs("address:192.0.2.1", MAIL)
    assert not belongs("address:192.0.2.1", FailingMonitor("inc_9", "x.test", frozenset({"192.0.2.1"}), "host:x.test"))
    assert belongs("mass:inc_1", FailingMonitor("inc_9", "x.test", cause="host:x.test"))
