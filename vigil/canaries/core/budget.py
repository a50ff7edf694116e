"""Budget account of a canary: the most that an answer can cost is reserved before it is asked, and settled after. Pure.

Lost orders, killed processes and results that never come leave their reservation standing, so it counts as spent:
whatever happens, no more is asked than the budget of the month allows. Money is in billionths of a US dollar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from probes.ai.prices import Price, cost_nanos
from probes.ai.streams.facts import INPUT_TOKENS, NOT_SENT, OUTPUT_TOKENS
from probes.reasons import Reason
from probes.wire import Result

#: A reservation whose result has not come after so long counts as spent (ms).
LAPSES_AFTER_MS = 3_600_000
#: Reservations of one canary at a time.
RESERVED_MOST = 120
#: A region may report more tokens than its request allowed, since a server may ignore the limit, or not count hidden
#: reasoning in it. So many more are believed, as many as come in a minute; or one false report could end any budget.
_BELIEVED_TOKENS = 32_768
#: A slot further from the time of the database (ms) is of a clock gone wrong: granted, it would refuse all before it.
NEAR_MS = 300_000
#: Codes with which a request is refused before anything is generated, which none bills. 408 and 499 are not among them,
#: nor are other server errors: a gateway may answer with them in the middle of an answer.
_REFUSED = (frozenset(range(400, 500)) - {408, 499}) | {503, 529}


class ReserveReason(StrEnum):
    """Why a slot was granted or not."""

    GRANTED = "granted"
    BUDGET_SPENT = "budget_spent"
    ALREADY_RESERVED = "already_reserved"
    TOO_MANY_OPEN = "too_many_open"
    OTHER_TIME = "other_time"


@dataclass(frozen=True, slots=True)
class Reservation:
    """The most that the answer of a region's slot can cost."""

    region: str
    nanos: int


@dataclass(frozen=True, slots=True)
class BudgetAccount:
    """What a canary has spent in a month (`2026-11`, UTC), and what is reserved, by slot (ms since the epoch).

    `stopped` is the month whose budget is spent; empty while there is some left. It only ever holds the present month.
    """

    month: str = ""
    spent: int = 0
    reserved: Mapping[int, Reservation] = field(default_factory=dict)
    last_slot_ms: int = 0
    stopped: str = ""

    @property
    def committed(self) -> int:
        """What is spent, and what may be."""
        return self.spent + sum(one.nanos for one in self.reserved.values())


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """The budget of a month, and the most that one answer can cost."""

    budget: int
    answer: int


def reserve(
    account: BudgetAccount, slot_ms: int, region: str, limit: BudgetLimit, month: str
) -> tuple[BudgetAccount, ReserveReason]:
    """Reserve the answer of one slot, once, whoever asks.

    1. A new month begins with nothing spent; what is still open was paid by the month before. No month comes again: a
       clock that is set back over its beginning goes on with the later one.
    2. A slot that is not after the last one is not granted: another dispatcher has reserved it, or a later one.
    3. What has lapsed is spent. Then the answer must fit into the budget beside all that is spent or reserved.
    """
    account = _of_the_present(account, slot_ms, month)
    if slot_ms <= account.last_slot_ms:
        return account, ReserveReason.ALREADY_RESERVED
    account = _without_lapsed(account, slot_ms)
    if len(account.reserved) >= RESERVED_MOST:
        return account, ReserveReason.TOO_MANY_OPEN
    if account.committed + limit.answer > limit.budget:
        return _with_stop(account, limit), ReserveReason.BUDGET_SPENT
    reserved = {**account.reserved, slot_ms: Reservation(region, limit.answer)}
    return replace(account, reserved=reserved, last_slot_ms=slot_ms, stopped=""), ReserveReason.GRANTED


def _of_the_present(account: BudgetAccount, slot_ms: int, month: str) -> BudgetAccount:
    """The account in its month. A clock that was far ahead for a while is no reason to ask nothing until then: the
    last slot is near, and the month the next one at the latest, with what was spent in it."""
    last_slot_ms = min(account.last_slot_ms, slot_ms + NEAR_MS)
    if account.month < month:
        return BudgetAccount(month=month, last_slot_ms=last_slot_ms)
    latest = min(account.month, month_after(month))
    return replace(account, month=latest, stopped=min(account.stopped, latest), last_slot_ms=last_slot_ms)


def month_after(month: str) -> str:
    """The month after one like `2026-12`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def _with_stop(account: BudgetAccount, limit: BudgetLimit) -> BudgetAccount:
    """Stopped where what is spent leaves no room; with open reservations, part of them may come back."""
    return replace(account, stopped=account.month) if account.spent + limit.answer > limit.budget else account


def is_near(slot_ms: int, now_ms: int) -> bool:
    """Whether a slot is of about now, so that it may be reserved."""
    return abs(slot_ms - now_ms) <= NEAR_MS


def is_stopped(account: BudgetAccount, limit: BudgetLimit, month: str) -> bool:
    """Whether the budget of a month is spent, as its limit is now: one that was raised ends the stop at once."""
    return account.stopped >= month and account.spent + limit.answer > limit.budget


def _without_lapsed(account: BudgetAccount, now_ms: int) -> BudgetAccount:
    # One far ahead is of a clock gone wrong, and its result was refused.
    lapsed = {slot: one for slot, one in account.reserved.items() if abs(slot - now_ms) > LAPSES_AFTER_MS}
    if not lapsed:
        return account
    kept = {slot: one for slot, one in account.reserved.items() if slot not in lapsed}
    return replace(account, reserved=kept, spent=account.spent + sum(one.nanos for one in lapsed.values()))


def settle(account: BudgetAccount, region: str, result: Result, price: Price | None) -> BudgetAccount | None:
    """Replace the reservation of a result by what it cost; None for a result that nothing is reserved for.

    A region can only settle what it was asked, once.
    """
    reservation = account.reserved.get(result.at_ms)
    if reservation is None or reservation.region != region:
        return None
    kept = {slot: one for slot, one in account.reserved.items() if slot != result.at_ms}
    return replace(account, reserved=kept, spent=account.spent + billed(result, price, reservation.nanos))


def billed(result: Result, price: Price | None, most: int) -> int:
    """What an answer cost: by the tokens that the provider counted, else the most. No answer has 0 tokens, in or out.

    Nothing, where no request was made, or it was refused. A check that was missed may have been cut off in the middle
    of its answer.
    """
    if result.facts.get(NOT_SENT) is True or (result.attempts == 0 and result.reason is not Reason.MISSED):
        return 0
    if result.code in _REFUSED:
        return 0
    input, output = result.facts.get(INPUT_TOKENS), result.facts.get(OUTPUT_TOKENS)
    if price is None or not _is_count(input) or not _is_count(output):
        return most
    assert isinstance(input, int)
    assert isinstance(output, int)
    return min(cost_nanos(price, input, output), most + cost_nanos(price, 0, _BELIEVED_TOKENS))


def _is_count(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and said >= 1
