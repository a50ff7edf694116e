"""Only what contradicts the belief in that region calls for a round."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from consensus.fold import CALL_GAP_MS, Fold
from consensus.suspicion import recheck_due_ms, suspicion
from consensus.verdicts import Belief, Call, Dissent
from consensus.vocabulary import Cause, Observed
from probes.reasons import Status
from tests.consensus.examples import make_result, make_round

T0 = 1_000_000

NOW = 1_000_000
UP = None
NEW = Belief(1, Status.UNKNOWN, 0)
DOWN = Belief(1, Status.DOWN, 900_000)
RECOVERING = Belief(1, Status.DOWN, 900_000, passed_rounds=1, round_ms=950_000)
KEY_IS_BAD = Belief(1, Status.DEGRADED, 900_000, account=True)


def up_but(region: str, rounds: int, saw: Observed = Observed.FAILING) -> Belief:
    return Belief(1, Status.UP, 900_000, dissent={region: Dissent(saw, rounds)})


def degraded_but(region: str, saw: Observed) -> Belief:
    return Belief(1, Status.DEGRADED, 900_000, dissent={region: Dissent(saw, 2)})


@pytest.mark.parametrize(
    ("belief", "saw", "cause"),
    [
        (UP, "pass", None),
        (UP, "fail", Cause.FAILURE),
        (UP, "slow", Cause.DEGRADED),
        (UP, "auth", Cause.FAILURE),
        (UP, "overdue", Cause.OVERDUE),
        (UP, "missed", None),
        (UP, "blocked", None),
        (DOWN, "fail", None),
        (DOWN, "pass", Cause.SUCCESS),
        (DOWN, "slow", Cause.DEGRADED),
        (DOWN, "overdue", None),
        (RECOVERING, "pass", None),
        (RECOVERING, "fail", None),
        (NEW, "pass", Cause.FIRST_LOOK),
        (NEW, "fail", Cause.FIRST_LOOK),
        (KEY_IS_BAD, "auth", None),
        (KEY_IS_BAD, "pass", Cause.SUCCESS),
        (KEY_IS_BAD, "fail", Cause.FAILURE),
        (up_but("eu-west", 1), "fail", Cause.FAILURE),
        (up_but("eu-west", 2), "fail", None),
        (up_but("eu-west", 2), "overdue", None),
        (up_but("eu-west", 2), "pass", Cause.SUCCESS),
        (up_but("us-east", 2), "fail", Cause.FAILURE),
        (up_but("eu-west", 2, Observed.DEGRADED), "slow", None),
        (up_but("eu-west", 2, Observed.DEGRADED), "fail", Cause.FAILURE),
        (up_but("eu-west", 2, Observed.DEGRADED), "overdue", None),
        (degraded_but("us-east", Observed.FAILING), "overdue", None),
        (NEW, "overdue", Cause.OVERDUE),
        (degraded_but("eu-west", Observed.PASSING), "fail", Cause.FAILURE),
        (degraded_but("eu-west", Observed.FAILING), "pass", Cause.SUCCESS),
        (degraded_but("eu-west", Observed.FAILING), "fail", None),
    ],
)
def test_what_is_a_suspicion(belief: Belief | None, saw: str, cause: Cause | None) -> None:
    assert suspicion(belief, "eu-west", make_result(saw)) is cause


def test_a_failure_calls_a_round_and_is_the_first_observation() -> None:
    call = Fold().result("eu-west", make_result("fail", started_ms=NOW - 40), NOW, NOW)

    assert isinstance(call, Call)
    assert (call.monitor, call.region, call.cause, call.at_ms) == ("mon_example", "eu-west", Cause.FAILURE, NOW - 40)


def test_a_region_does_not_call_again_at_once_and_another_may() -> None:
    fold = Fold()
    assert fold.result("eu-west", make_result("fail"), NOW, NOW)

    assert fold.result("eu-west", make_result("fail"), NOW, NOW + CALL_GAP_MS - 1) is None
    assert fold.result("us-east", make_result("fail"), NOW, NOW + 1)
    assert fold.result("eu-west", make_result("fail"), NOW, NOW + CALL_GAP_MS)


def test_an_open_round_is_call_enough() -> None:
    fold = Fold()
    fold.rounds.open(make_round(), NOW)

    assert fold.result("us-east", make_result("fail"), NOW, NOW) is None


def test_an_old_result_says_nothing_of_now() -> None:
    assert Fold().result("eu-west", make_result("fail", started_ms=NOW - 60_000), NOW, NOW) is None


def test_a_recovering_monitor_is_asked_again_when_it_may_be_resolved() -> None:
    recovering = Belief(1, Status.DOWN, 900_000, passed_rounds=1, round_ms=950_000)

    assert recheck_due_ms(recovering) == 960_000
    assert recheck_due_ms(msgspec.structs.replace(recovering, round_ms=920_000)) == 935_000
    assert recheck_due_ms(msgspec.structs.replace(recovering, round_ms=1_000_000)) == 1_003_000
    assert recheck_due_ms(msgspec.structs.replace(recovering, passed_rounds=0)) is None


def test_a_monitor_about_which_regions_differ_is_asked_about_again() -> None:
    assert recheck_due_ms(msgspec.structs.replace(up_but("eu-west", 2), round_ms=950_000)) == 1_250_000


def test_a_blind_monitor_is_asked_about_again() -> None:
    blind = Belief(1, Status.UP, 900_000, round_ms=950_000, blind=True)

    assert recheck_due_ms(blind) == 980_000


def test_a_recheck_is_called_once_when_due() -> None:
    fold = Fold()
    fold.believe({"mon_example": Belief(1, Status.DOWN, 900_000, passed_rounds=1, round_ms=920_000)})

    assert fold.rechecks(934_999) == []
    (call,) = fold.rechecks(935_000)
    assert (call.cause, call.region) == (Cause.RECHECK, "")
    assert fold.rechecks(935_100) == []


@pytest.mark.parametrize("round_id", ["", "rnd_long_ago"])
def test_what_comes_late_says_nothing_of_the_target_nor_of_its_region(round_id: str) -> None:
    """A region that was cut off brings a day of failures: its own, as likely as not, and not of now."""
    fold = Fold()
    for number in range(200):
        monitor = f"mon_{number}"
        for region in ("us-east", "eu-north", "ap-south"):
            seen = msgspec.structs.replace(make_result("pass", started_ms=NOW), monitor=monitor)
            fold.result(region, seen, NOW + 100, NOW + 100)
        late = msgspec.structs.replace(
            make_result("fail", round_id, 1 if round_id else 0, started_ms=NOW - 3_600_000), monitor=monitor
        )
        assert fold.result("eu-west", late, NOW + 200, NOW + 200) is None
    assert not fold.judge_regions(NOW + 60_000)
    assert not fold.rounds.quarantined


@pytest.mark.parametrize(
    ("cut_ms", "sick"), [(20_000, False), (0, True)], ids=["issue13_8 back from a cut", "never cut"]
)
def test_a_region_is_not_sick_for_what_it_saw_while_it_was_cut_off(cut_ms: int, sick: bool) -> None:
    """It was cut off from Redis and from its targets; what it saw meanwhile arrives in one go."""
    fold = Fold()
    fold.open(make_round(opened_ms=T0), T0)
    back_ms = T0 + 30_000
    told = [(back_ms - cut_ms + 500 * number, f"mon_{number}") for number in range(20 if cut_ms else 12)]
    fold.result("eu-west", replace(make_result("pass", started_ms=T0 + 9_000), monitor="mon_0"), T0 + 9_050, T0 + 9_050)
    for started_ms, monitor in told:
        at_ms = max(back_ms, started_ms + 5)
        fold.result("eu-west", replace(make_result("fail", started_ms=started_ms), monitor=monitor), at_ms, at_ms)
        for region in ("ap-south", "eu-north", "us-west"):
            fold.result(region, replace(make_result("pass", started_ms=at_ms), monitor=monitor), at_ms + 50, at_ms + 50)
    fold.judge_regions(back_ms + 10_000)

    assert ("eu-west" in fold.rounds.quarantined) is sick


@pytest.mark.parametrize("saw", ["pass", "fail", "slow", "auth"])
def test_an_answer_of_a_canary_is_no_suspicion_and_no_vote(saw: str) -> None:
    fold = Fold()
    fold.believe({"mon_example": NEW})
    for region in ("eu-west", "us-east", "ap-south"):
        result = make_result(saw, f"can_{T0}", started_ms=T0)
        assert fold.result(region, result, T0, T0) is None
    assert len(fold.rounds) == 0
    assert not fold.rounds._early
