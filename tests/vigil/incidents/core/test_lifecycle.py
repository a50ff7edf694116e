"""What a verdict does to what is believed, and which steps follow."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.outcome import verdict_of
from consensus.quorum import decide
from consensus.suspicion import suspicion
from consensus.verdicts import Dissent, Excluded, Verdict
from consensus.vocabulary import Cause, Exclusion, Observed
from probes.reasons import Status
from tests.consensus.examples import FIVE_REGIONS, make_result, make_round, make_vote
from vigil.incidents.core.blindness import CAUSE_LIMIT, cause_of_blindness
from vigil.incidents.core.lifecycle import FLAP_STABLE_MS, apply, belief, retire, settle
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Step, StepReason

T0 = 1_000_000
REVISION = 0
UP = BelievedState(status=Status.UP, since_ms=1, round_ms=1)


def verdict(at_ms: int, **saw: str) -> Verdict:
    """A verdict of a round opened then, in which every region passed but those named (`eu_west="fail"`)."""
    round = make_round(opened_ms=at_ms)
    named = {region.replace("_", "-"): what for region, what in saw.items()}
    votes = [make_vote(region, named.get(region, named.get("all", "pass"))) for region in FIVE_REGIONS]
    decision = decide(round, votes, 1)
    assert decision is not None
    return verdict_of(round, decision, votes, at_ms + 500)


def run(state: BelievedState, *verdicts: Verdict) -> Effect:
    effect = Effect(state, (), StepReason.STILL_PASSING)
    for one in verdicts:
        effect = apply(effect.state, one, REVISION)
    return effect


def steps(effect: Effect) -> list[tuple[IncidentKind, Step, StepReason]]:
    return [(move.kind, move.step, move.reason) for move in effect.moves]


def test_the_first_pass_makes_a_new_monitor_up() -> None:
    effect = run(BelievedState(), verdict(T0))

    assert (effect.state.status, effect.reason, effect.moves) == (Status.UP, StepReason.FIRST_PASS, ())


def test_a_quorum_of_failures_opens_an_outage_from_the_first_failing_observation() -> None:
    effect = run(UP, verdict(T0, all="fail"))

    assert steps(effect) == [(IncidentKind.OUTAGE, Step.OPENED, StepReason.CONFIRMED)]
    assert effect.moves[0].started_ms == T0 - 200
    assert (effect.state.status, effect.state.open) == (Status.DOWN, IncidentKind.OUTAGE)


def test_the_same_verdict_again_has_no_effect() -> None:
    down = verdict(T0, all="fail")
    effect = run(UP, down, down)

    assert (effect.moves, effect.reason) == ((), StepReason.OLD_ROUND)


def test_a_verdict_on_another_configuration_has_no_effect() -> None:
    effect = apply(UP, verdict(T0, all="fail"), revision=7)

    assert (effect.state, effect.reason) == (UP, StepReason.OLD_REVISION)


def test_an_outage_that_goes_on_is_not_told_again() -> None:
    effect = run(UP, verdict(T0, all="fail"), verdict(T0 + 30_000, all="timeout"))

    assert (effect.moves, effect.reason) == ((), StepReason.STILL_FAILING)


def test_recovery_takes_two_passing_rounds() -> None:
    once = run(UP, verdict(T0, all="fail"), verdict(T0 + 100_000))
    twice = apply(once.state, verdict(T0 + 115_000), REVISION)

    assert (once.moves, once.reason, once.state.status) == ((), StepReason.RECOVERING, Status.DOWN)
    assert steps(twice) == [(IncidentKind.OUTAGE, Step.RESOLVED, StepReason.RECOVERED)]
    assert (twice.state.status, twice.state.open) == (Status.UP, None)


def test_recovery_takes_a_minute_however_many_rounds_pass() -> None:
    effect = run(UP, verdict(T0, all="fail"), *(verdict(T0 + after) for after in (10_000, 25_000, 40_000, 55_000)))
    assert effect.state.status is Status.DOWN

    assert apply(effect.state, verdict(T0 + 60_000), REVISION).reason is StepReason.RECOVERED


def test_a_failure_between_passes_starts_recovery_again() -> None:
    effect = run(UP, verdict(T0, all="fail"), verdict(T0 + 61_000), verdict(T0 + 70_000, all="fail"))
    assert (effect.state.passed_rounds, effect.moves) == (0, ())

    assert apply(effect.state, verdict(T0 + 90_000), REVISION).reason is StepReason.RECOVERING


def test_a_bad_key_is_an_account_incident_and_no_outage() -> None:
    effect = run(UP, verdict(T0, all="auth"))

    assert steps(effect) == [(IncidentKind.ACCOUNT, Step.OPENED, StepReason.CONFIRMED)]
    assert (effect.state.status, effect.state.account) == (Status.DEGRADED, True)


def test_a_degraded_monitor_that_goes_down_has_one_incident_that_worsens() -> None:
    effect = run(UP, verdict(T0, all="slow"), verdict(T0 + 30_000, all="fail"))

    assert steps(effect) == [(IncidentKind.OUTAGE, Step.CHANGED, StepReason.WORSENED)]


def test_an_outage_that_turns_slow_stays_open_with_a_note() -> None:
    effect = run(UP, verdict(T0, all="fail"), verdict(T0 + 30_000, all="slow"))

    assert steps(effect) == [(IncidentKind.OUTAGE, Step.NOTE, StepReason.IMPROVED)]
    assert (effect.state.status, effect.state.open) == (Status.DEGRADED, IncidentKind.OUTAGE)


@pytest.mark.parametrize(
    ("story", "resolves"),
    [
        pytest.param([(0, "fail"), (60, "pass"), (70, "pass")], 70, id="a-minute-after-it-was-confirmed"),
        pytest.param([(0, "fail"), (30, "pass"), (40, "pass"), (61, "pass")], 61, id="not-before"),
        pytest.param([(0, "fail"), (55, "slow"), (58, "pass"), (61, "pass")], 61, id="7-a-slow-look-in-the-recovery"),
        pytest.param([(0, "fail"), (30, "pass"), (58, "slow"), (61, "pass"), (64, "pass")], 64, id="7-between-passes"),
        pytest.param([(0, "fail"), (50, "auth"), (55, "slow"), (58, "pass"), (61, "pass")], 61, id="7-step-by-step"),
        pytest.param([(0, "fail"), (50, "slow"), (55, "slow"), (58, "pass"), (61, "pass")], 61, id="7-slow-twice"),
        pytest.param(
            [(0, "fail"), (30, "slow"), (50, "fail"), (61, "pass"), (64, "pass"), (111, "pass")],
            111,
            id="7-again",
        ),
        pytest.param(
            [(0, "slow"), (50, "fail"), (61, "pass"), (70, "pass"), (111, "pass")],
            111,
            id="7-worse-kind",
        ),
        pytest.param([(0, "slow"), (50, "slow"), (55, "pass"), (61, "pass")], 61, id="7-slow-all-along"),
    ],
)
def test_the_minute_of_a_recovery_counts_from_the_confirmation(story: list[tuple[int, str]], resolves: int) -> None:
    state, resolved = UP, []
    for second, saw in story:
        effect = apply(state, verdict(T0 + second * 1_000, all=saw), REVISION)
        state = effect.state
        resolved += [second for move in effect.moves if move.step is Step.RESOLVED]
    assert resolved == [resolves]


def test_7_an_outage_that_turned_slow_and_fails_again_says_that_it_got_worse() -> None:
    effect = run(UP, verdict(T0, all="fail"), verdict(T0 + 30_000, all="slow"), verdict(T0 + 40_000, all="fail"))
    assert steps(effect) == [(IncidentKind.OUTAGE, Step.NOTE, StepReason.WORSENED)]


def test_one_failing_region_is_known_dissent_after_two_rounds_and_a_regional_incident() -> None:
    once = run(UP, verdict(T0, eu_west="fail"))
    twice = apply(once.state, verdict(T0 + 10_000, eu_west="fail"), REVISION)

    assert (once.moves, once.state.dissent, once.state.status) == (
        (),
        {"eu-west": Dissent(Observed.FAILING, 1)},
        Status.UP,
    )
    assert steps(twice) == [(IncidentKind.REGIONAL, Step.OPENED, StepReason.MINORITY_FAILS)]
    assert (twice.state.dissent, twice.state.status, twice.state.open) == (
        {"eu-west": Dissent(Observed.FAILING, 2)},
        Status.UP,
        None,
    )


def test_dissent_that_changes_what_it_sees_is_counted_anew() -> None:
    effect = run(UP, verdict(T0, eu_west="slow"), verdict(T0 + 10_000, eu_west="fail"))

    assert (effect.state.dissent, effect.moves) == ({"eu-west": Dissent(Observed.FAILING, 1)}, ())


def test_a_regional_incident_ends_when_its_region_is_taken_off_the_monitor() -> None:
    regional = run(UP, verdict(T0, eu_west="fail"), verdict(T0 + 10_000, eu_west="fail"))
    without = verdict(T0 + 20_000)
    votes = [vote for vote in without.votes if vote.region != "eu-west"]
    assigned = [region for region in without.assigned if region != "eu-west"]

    effect = apply(regional.state, msgspec.structs.replace(without, votes=votes, assigned=assigned), REVISION)

    assert steps(effect) == [(IncidentKind.REGIONAL, Step.RESOLVED, StepReason.MINORITY_RECOVERED)]


def test_a_regional_incident_ends_when_the_region_agrees_again() -> None:
    effect = run(UP, verdict(T0, eu_west="fail"), verdict(T0 + 10_000, eu_west="fail"), verdict(T0 + 20_000))

    assert steps(effect) == [(IncidentKind.REGIONAL, Step.RESOLVED, StepReason.MINORITY_RECOVERED)]
    assert effect.state.dissent == {}


def test_a_regional_incident_is_absorbed_by_an_outage() -> None:
    regional = run(UP, verdict(T0, eu_west="fail"), verdict(T0 + 10_000, eu_west="fail"))

    assert steps(apply(regional.state, verdict(T0 + 20_000, all="fail"), REVISION)) == [
        (IncidentKind.OUTAGE, Step.OPENED, StepReason.CONFIRMED),
        (IncidentKind.REGIONAL, Step.RESOLVED, StepReason.BECAME_OUTAGE),
    ]


def test_too_few_votes_change_nothing_but_that_the_monitor_is_blind() -> None:
    blind = verdict(T0, all="missed")
    effect = run(UP, blind)
    again = apply(effect.state, verdict(T0 + 5_000, all="missed"), REVISION)
    back = apply(again.state, verdict(T0 + 10_000), REVISION)

    still = apply(again.state, verdict(T0 + 7_000, all="missed"), REVISION)

    assert (effect.state.status, effect.state.blind, effect.moves) == (Status.UP, True, ())
    assert steps(again) == [(IncidentKind.BLIND, Step.OPENED, StepReason.TOO_FEW_VOTES)]
    assert (again.moves[0].cause, still.moves) == ("missed", ())
    assert steps(back) == [(IncidentKind.BLIND, Step.RESOLVED, StepReason.CAN_SEE_AGAIN)]


def test_one_round_without_enough_votes_is_not_told() -> None:
    effect = run(UP, verdict(T0, all="missed"), verdict(T0 + 30_000), verdict(T0 + 60_000, all="missed"))

    assert (effect.state.blind, effect.moves) == (True, ())


def test_the_cause_of_blindness_names_who_was_left_out_and_not_who_happened_to_be_late() -> None:
    left_out = [Excluded("us-east", "aws", Exclusion.DARK), Excluded("eu-west", "aws", Exclusion.DARK)]
    late = [Excluded("ap-south", "gcp", Exclusion.NO_ANSWER, 1)]
    blind = msgspec.structs.replace(verdict(T0, all="missed"), excluded=[*left_out, *late])

    assert cause_of_blindness(blind) == "dark eu-west us-east, no answer"
    assert cause_of_blindness(msgspec.structs.replace(blind, excluded=[])) == "no region"
    many = [Excluded(f"region-{number}", "aws", Exclusion.DARK) for number in range(50)]
    assert len(cause_of_blindness(msgspec.structs.replace(blind, excluded=many))) == CAUSE_LIMIT


def test_a_whole_failing_domain_is_a_regional_incident_at_once() -> None:
    effect = run(UP, verdict(T0, eu_west="fail", us_east="fail"))

    assert steps(effect) == [(IncidentKind.REGIONAL, Step.OPENED, StepReason.WHOLE_DOMAIN_FAILS)]
    assert {region for region, each in effect.state.dissent.items() if each.rounds == 2} == {"eu-west", "us-east"}


def test_two_regions_of_two_domains_are_a_regional_incident_only_once_it_lasts() -> None:
    once = run(UP, verdict(T0, eu_west="fail", us_west="fail"))
    twice = apply(once.state, verdict(T0 + 10_000, eu_west="fail", us_west="fail"), REVISION)

    assert once.moves == ()
    assert steps(twice) == [(IncidentKind.REGIONAL, Step.OPENED, StepReason.MINORITY_FAILS)]


def test_a_regional_incident_ends_when_its_region_is_put_into_quarantine() -> None:
    regional = run(UP, verdict(T0, eu_west="fail"), verdict(T0 + 10_000, eu_west="fail"))
    seen = verdict(T0 + 20_000, eu_west="fail")
    held = msgspec.structs.replace(seen, excluded=[Excluded("eu-west", "aws", Exclusion.SICK)])

    effect = apply(regional.state, held, REVISION)

    assert steps(effect) == [(IncidentKind.REGIONAL, Step.RESOLVED, StepReason.MINORITY_EXCLUDED)]
    assert effect.state.dissent == {}


def test_an_outage_stays_open_while_nobody_can_see() -> None:
    effect = run(UP, verdict(T0, all="fail"), verdict(T0 + 90_000, all="missed"), verdict(T0 + 120_000, all="missed"))

    assert (effect.state.status, effect.state.open) == (Status.DOWN, IncidentKind.OUTAGE)


def flap(times: int) -> Effect:
    effect, at_ms = Effect(UP, (), StepReason.STILL_PASSING), T0
    for _ in range(times):
        effect = run(effect.state, verdict(at_ms, all="fail"), verdict(at_ms + 70_000), verdict(at_ms + 90_000))
        at_ms += 120_000
    return effect


def test_more_than_four_flips_in_an_hour_keep_the_incident_open() -> None:
    assert flap(2).state.open is None
    third = flap(3)

    assert steps(third) == [(IncidentKind.OUTAGE, Step.NOTE, StepReason.FLAPPING)]
    assert (third.state.status, third.state.open, third.state.flapping) == (Status.UP, IncidentKind.OUTAGE, True)
    assert flap(4).moves == ()


def test_flapping_ends_after_half_an_hour_without_a_flip() -> None:
    state = flap(3).state
    assert settle(state, state.since_ms + FLAP_STABLE_MS - 1) is None

    effect = settle(state, state.since_ms + FLAP_STABLE_MS)
    assert effect is not None
    assert steps(effect) == [(IncidentKind.OUTAGE, Step.RESOLVED, StepReason.STABLE_AGAIN)]


def test_a_paused_monitor_closes_what_is_open_and_is_unknown() -> None:
    effect = retire(run(UP, verdict(T0, all="fail")).state, StepReason.MONITOR_PAUSED)

    assert steps(effect) == [(IncidentKind.OUTAGE, Step.RESOLVED, StepReason.MONITOR_PAUSED)]
    assert effect.state.status is Status.UNKNOWN


SAW = st.sampled_from(["pass", "fail", "slow", "auth", "missed"])


@given(st.lists(st.tuples(st.integers(1, 90_000), st.lists(SAW, min_size=5, max_size=5)), max_size=40))
def test_incidents_open_and_close_in_turn_whatever_comes(history: list[tuple[int, list[str]]]) -> None:
    state, at_ms, open_main, open_side = BelievedState(), T0, 0, {IncidentKind.REGIONAL: 0, IncidentKind.BLIND: 0}
    for gap_ms, saw in history:
        at_ms += gap_ms
        seen = dict(zip((region.replace("-", "_") for region in FIVE_REGIONS), saw, strict=True))
        effect = apply(state, verdict(at_ms, **seen), REVISION)
        for move in effect.moves:
            change = {Step.OPENED: 1, Step.RESOLVED: -1}.get(move.step, 0)
            if move.kind in open_side:
                open_side[move.kind] += change
            else:
                open_main += change
        state = effect.state
        assert open_main == (state.open is not None)
        assert open_side == {IncidentKind.REGIONAL: state.regional, IncidentKind.BLIND: bool(state.blind_cause)}
        assert state.open or state.status in (Status.UP, Status.UNKNOWN)


def test_regions_that_nobody_has_outvoted_are_not_taken_for_known_dissenters() -> None:
    undecided = [verdict(at_ms, eu_west="fail", us_east="fail", ap_south="fail") for at_ms in (T0, T0 + 60_000)]
    assert all(one.status is Status.UNKNOWN for one in undecided)

    effect = run(UP, *undecided)
    failing = make_result("fail", started_ms=T0 + 119_000)

    assert effect.state.status is Status.UP
    # Two rounds that proved nothing are no reason to be silent: their next failure calls again.
    assert suspicion(belief(effect.state), "ap-south", failing) is Cause.FAILURE
    assert effect.state.regional

    outvoted = run(effect.state, verdict(T0 + 120_000, ap_south="fail"))
    assert suspicion(belief(outvoted.state), "ap-south", failing) is None
