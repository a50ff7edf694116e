"""The pure part of trials: who is asked, what came in time, and what the law makes of it."""

from __future__ import annotations

from msgspec.structs import replace

from consensus.vocabulary import Exclusion, Sensitivity, VerdictReason
from probes.reasons import Reason, Status
from probes.wire import Phases, RegionStatus, Result
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.dispatch.core.trials import (
    AnswerState,
    Came,
    Trial,
    TrialState,
    deadline_ms,
    decode_trial,
    encode_trial,
    open_trial,
    report,
    trial_orders,
)

NOW_MS = 1_790_000_000_000
TRIAL = "trl_0123456789abcdef"
ALIVE = RegionStatus(1, NOW_MS, 0, 0, 0, NOW_MS, "boot", "1")
PLAN = Plan(
    TRIAL, "http", 0, 1_000, b"\x80",
    (RegionPlan("a", "x"), RegionPlan("b", "y"), RegionPlan("c", "z"), RegionPlan("keyless", "z", able=False)),
    Sensitivity.NORMAL, 0,
)  # fmt: skip


def trial() -> Trial:
    round = open_trial(PLAN, dict.fromkeys(("a", "b", "c", "keyless"), ALIVE), NOW_MS)
    asked = [region for region, _ in trial_orders(PLAN, round)]
    return Trial(TRIAL, "team_a", "", "http", "x.test", NOW_MS, deadline_ms(round), round, asked)


def down(at_ms: int = NOW_MS + 500) -> Came:
    return Result(1, TRIAL, NOW_MS, Status.DOWN, Reason.TIMEOUT, NOW_MS, Phases(), TRIAL, 1), at_ms


def test_every_region_that_can_look_is_asked_once_and_told_by_when_to_begin() -> None:
    round = open_trial(PLAN, {"a": ALIVE, "b": replace(ALIVE, anchors=3, anchors_failing=3)}, NOW_MS)
    orders = dict(trial_orders(PLAN, round))
    assert sorted(orders) == ["a", "b"]
    assert [one.region for one in round.electorate] == ["a"]
    check = orders["a"]
    assert (check.round, check.look, check.monitor, check.every_ms) == (TRIAL, 1, TRIAL, 0)
    assert check.expires_ms + check.timeout_ms == deadline_ms(round) == NOW_MS + 3_500


def test_a_trial_runs_until_all_have_answered_or_its_deadline_and_late_answers_are_silence() -> None:
    asked = trial()
    early = report(asked, {"a": down()}, {}, NOW_MS + 600)
    assert early.state is TrialState.RUNNING
    assert [one.state for one in early.answers] == [
        AnswerState.ANSWERED, AnswerState.PENDING, AnswerState.PENDING, AnswerState.NOT_ASKED,
    ]  # fmt: skip
    late = report(asked, {"a": down(), "b": down(asked.deadline_ms + 1)}, {}, asked.deadline_ms + 2)
    assert late.state is TrialState.DONE
    assert [one.state for one in late.answers][:3] == [AnswerState.ANSWERED, AnswerState.SILENT, AnswerState.SILENT]
    assert late.verdict is not None and late.verdict.reason is VerdictReason.TOO_FEW_VOTES


def test_the_verdict_is_that_of_the_law_without_regions_in_quarantine() -> None:
    asked = trial()
    came = {region: down() for region in ("a", "b", "c")}
    found = report(asked, came, {}, NOW_MS + 600)
    assert found.verdict is not None
    assert (found.verdict.status, found.verdict.m, found.verdict.k) == (Status.DOWN, 3, 2)
    sick = dict.fromkeys(("a", "b"), Exclusion.SICK)
    without = report(asked, came, sick, NOW_MS + 600)
    assert without.verdict is not None
    assert without.verdict.status is Status.UNKNOWN


def test_what_is_kept_of_a_trial_reads_as_it_was() -> None:
    assert decode_trial(encode_trial(trial())) == trial()
