"""A new region votes after a few checks in a row agreed, and no check counts twice."""

from __future__ import annotations

from vigil.dispatch.core.shadow import AGREED_MOST, ShadowAgreement, ShadowVote


def votes(*seen: str, believed: str = "up", monitor: str = "mon_a", begin: int = 0) -> list[ShadowVote]:
    return [ShadowVote(monitor, begin + number, one, believed) for number, one in enumerate(seen)]


def test_it_votes_after_checks_that_agree_in_a_row() -> None:
    agreement = ShadowAgreement()
    assert not agreement.take(votes("up", "up"))
    assert not agreement.take(votes("up", "up")), "the same checks again count for nothing"
    assert agreement.take(votes("down", believed="degraded", begin=2)), "a problem agrees with a problem"
    assert ShadowAgreement(AGREED_MOST).take([])


def test_a_check_that_differs_begins_the_count_anew_and_one_that_knows_nothing_does_not_count() -> None:
    agreement = ShadowAgreement()
    assert not agreement.take(votes("up", "up", "down", "up", "unknown", "up"))
    assert agreement.agreed == 2
    assert not agreement.take(votes("up", "down", believed="unknown", monitor="mon_b"))
    assert agreement.take(votes("up", begin=6))
