"""A call becomes a round of the regions that can see, and no more rounds are opened than can be afforded."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from consensus.verdicts import Call
from consensus.vocabulary import Cause, Exclusion, Sensitivity
from probes.wire import RegionStatus
from vigil.dispatch.core.budget import MONITOR, TARGET, CallBudget
from vigil.dispatch.core.looks import OpenLooks
from vigil.dispatch.core.opening import look_length_ms, open_round
from vigil.dispatch.core.plans import Plan, RegionPlan

NOW = 1_000_000
CALL = Call(1, "mon_a", "eu-west", Cause.FAILURE, NOW - 300)


def plan(sensitivity: Sensitivity = Sensitivity.NORMAL) -> Plan:
    return Plan(
        monitor="mon_a",
        kind="http",
        interval_ms=60_000,
        timeout_ms=10_000,
        spec=b"\x80",
        regions=(RegionPlan("ap-south", "gcp"), RegionPlan("eu-west", "aws"), RegionPlan("us-east", "aws", able=False)),
        sensitivity=sensitivity,
        revision=4,
        target="https://example.test",
    )


def status(offset_ms: int = 0) -> RegionStatus:
    return RegionStatus(1, NOW, offset_ms, 0, 0, NOW, "boot", "0.1.0")


def test_a_round_asks_every_region_that_can_see_and_names_the_others() -> None:
    round = open_round(plan(), CALL, {"eu-west": status(), "us-east": status()}, NOW)

    assert [elector.region for elector in round.electorate] == ["eu-west"]
    assert {one.region: one.why for one in round.excluded} == {
        "ap-south": Exclusion.DARK,
        "us-east": Exclusion.PROBE_ERROR,
    }
    assert (round.assigned, round.revision, round.suspected_ms, round.caller) == (3, 4, NOW - 300, "eu-west")


def test_a_region_in_shadow_has_no_vote_and_does_not_raise_how_many_are_needed() -> None:
    asked = replace_regions(RegionPlan("ap-south", "gcp", shadow=True), RegionPlan("eu-west", "aws"))

    round = open_round(asked, CALL, {"ap-south": status(), "eu-west": status()}, NOW)

    assert [elector.region for elector in round.electorate] == ["eu-west"]
    assert [(one.region, one.why) for one in round.excluded] == [("ap-south", Exclusion.SHADOW)]
    assert round.assigned == 1


def replace_regions(*regions: RegionPlan) -> Plan:
    return dataclasses.replace(plan(), regions=regions)


def test_a_region_that_cannot_reach_its_anchors_has_no_vote() -> None:
    adrift = replace(status(), anchors=3, anchors_failing=2)
    held = replace(status(), anchors=4, anchors_failing=2)

    round = open_round(plan(), CALL, {"ap-south": adrift, "eu-west": held}, NOW)

    assert {one.region: one.why for one in round.excluded}["ap-south"] is Exclusion.ANCHORS
    assert [elector.region for elector in round.electorate] == ["eu-west"]


def test_a_region_with_a_wrong_clock_has_no_vote() -> None:
    round = open_round(plan(), CALL, {"ap-south": status(-6_000), "eu-west": status(4_000)}, NOW)

    assert {one.region: one.why for one in round.excluded}["ap-south"] is Exclusion.CLOCK_SKEW


def test_sensitivity_sets_the_looks() -> None:
    def looks(sensitivity: Sensitivity) -> list[int]:
        return [at_ms - NOW for at_ms in open_round(plan(sensitivity), CALL, {}, NOW).looks_ms]

    assert looks(Sensitivity.HIGH) == [0]
    assert looks(Sensitivity.NORMAL) == [0, 10_000]
    assert looks(Sensitivity.LOW) == [0, 30_000, 60_000]


def test_a_look_lasts_one_timeout_and_little_more() -> None:
    assert look_length_ms(10_000) == 12_500


def test_looks_are_taken_when_due_and_not_after_the_verdict() -> None:
    looks, round = OpenLooks(), open_round(plan(), CALL, {}, NOW)
    looks.add(round, NOW)

    assert [look for _, look in looks.take_due(NOW)] == [1]
    assert looks.next_ms() == NOW + 10_000
    looks.close("mon_a", round.id)
    assert list(looks.take_due(NOW + 10_000)) == []


def test_a_round_without_a_verdict_is_given_up() -> None:
    looks, round = OpenLooks(), open_round(plan(), CALL, {}, NOW)
    looks.add(round, NOW)

    assert looks.is_open("mon_a", 4, NOW + 27_499)
    assert not looks.is_open("mon_a", 4, NOW + 27_501)


def test_a_round_about_an_older_configuration_does_not_stand_in_the_way() -> None:
    looks, round = OpenLooks(), open_round(plan(), CALL, {}, NOW)
    looks.add(round, NOW)

    assert not looks.is_open("mon_a", 5, NOW)


def test_a_monitor_that_flickers_cannot_take_all_the_rounds() -> None:
    budget = CallBudget()
    admitted = [budget.admit("mon_a", "target", ["eu-west"], NOW + second * 1000) for second in range(60)]

    assert sum(admitted) <= MONITOR.burst + 60 * MONITOR.per_second
    assert budget.admit("mon_b", "target", ["eu-west"], NOW + 60_000)


def test_a_target_with_many_monitors_cannot_take_all_the_rounds() -> None:
    budget = CallBudget()

    assert sum(budget.admit(f"mon_{number}", "target", ["eu-west"], NOW) for number in range(1000)) == TARGET.burst
    assert budget.admit("mon_other", "another", ["eu-west"], NOW)


def test_a_refused_round_costs_nothing() -> None:
    budget = CallBudget()
    for number in range(200):
        budget.admit(f"mon_{number}", "target", ["eu-west"], NOW)

    assert all(budget.admit("mon_199", f"other {number}", ["eu-west"], NOW) for number in range(3))
