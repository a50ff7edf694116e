"""Isolation of bad entries: a loop passes what fails alone twice, keeps it as a dead letter, and goes on.

Errors that say that a server is away, or refuses work, are no entry's fault: they are raised to the loop, which waits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import structlog

from probes.process.dead_letters import DeadLetterMessage, letter_of
from probes.process.sentry import report

log = structlog.get_logger(__name__)

#: How long a step that failed twice rests, doubled each time: up to this for a row, and for a whole step (s).
REST_S, REST_MOST_S, STEP_REST_MOST_S = 0.5, 60.0, 2.0
#: How long a loop waits whose turn failed, doubled each time: whatever failed delays the rest by less than 5 s.
TURN_WAIT_S, TURN_WAIT_MOST_S = 0.25, 2.0
#: The same for a loop whose server is away (s).
WAIT_S, WAIT_MOST_S = 0.5, 5.0
#: Steps and rows whose failures are remembered.
REMEMBERED = 10_000

Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")
Otherwise = TypeVar("Otherwise")
Row = TypeVar("Row")
#: The words of a server that is away or refuses work; empty for any other error.
Refusal = Callable[[BaseException], str]


class Each(Protocol):
    """Does the same for every row: `Isolation.each`, or `plainly`."""

    def __call__(
        self, step: str, rows: Iterable[Row], work: Callable[[Row], Outcome], otherwise: Outcome
    ) -> list[Outcome]: ...


def plainly(step: str, rows: Iterable[Row], work: Callable[[Row], Outcome], otherwise: Outcome) -> list[Outcome]:
    """Every row in turn; the first that fails ends it."""
    return [work(row) for row in rows]


class Letters(Protocol):
    """Where dead letters are kept. Raises what says that the server which keeps them is away."""

    def keep(self, letter: DeadLetterMessage) -> None: ...


@dataclass(slots=True)
class _Failing:
    """A step that failed: how often in a row, and until when it rests."""

    times: int
    until_s: float


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a turn of a loop failed, and how long to wait before the next one. `away` where a server was."""

    words: str
    wait_s: float
    away: bool


def apply_by_halves(
    entries: Sequence[Entry],
    work: Callable[[Sequence[Entry]], Outcome],
    bury: Callable[[Entry, Exception], None],
    refusal: Refusal,
) -> list[Outcome]:
    """Apply all entries in order, in as few parts as their faults allow; `bury` is given each that fails alone twice.

    `work` applies a part in one transaction or, raising, nothing of it. The entries behind a buried one are applied
    after it was buried, in their order. Raises what `refusal` has words for: then a prefix of the entries is done.
    """
    if not entries:
        return []
    try:
        return [work(entries)]
    except Exception as error:
        if refusal(error):
            raise
    if len(entries) > 1:
        half = len(entries) // 2
        first = apply_by_halves(entries[:half], work, bury, refusal)
        return first + apply_by_halves(entries[half:], work, bury, refusal)
    try:
        return [work(entries)]
    except Exception as error:
        if refusal(error):
            raise
        bury(entries[0], error)
        return []


class Isolation:
    """What the loop `source` does with errors. `now_s` is a clock that only grows."""

    def __init__(self, source: str, letters: Letters, refusal: Refusal, now_s: Callable[[], float]) -> None:
        self.source = source
        self.refusal = refusal
        self._letters = letters
        self._now_s = now_s
        self._failing: OrderedDict[tuple[str, str], _Failing] = OrderedDict()
        self._proven: set[str] = set()
        self._setbacks = 0

    def apply(
        self,
        entries: Sequence[Entry],
        work: Callable[[Sequence[Entry]], Outcome],
        bury: Callable[[Entry, Exception], None],
    ) -> list[Outcome]:
        """`apply_by_halves` for this loop."""
        return apply_by_halves(entries, work, bury, self.refusal)

    def entry(self, step: str, origin: str, work: Callable[[], Outcome], letter: DeadLetterMessage) -> Outcome | None:
        """What `work` makes of one entry; None for one that fails twice, which is kept as a dead letter."""
        results: list[Outcome] = apply_by_halves(
            [letter], lambda _: work(), lambda one, error: self.bury(step, origin, error, one), self.refusal
        )
        return results[0] if results else None

    def bury(self, step: str, origin: str, error: Exception, entry: DeadLetterMessage | None = None) -> None:
        """Keep what failed as a dead letter; `entry` holds its bytes and where they came from, if it had any."""
        letter = letter_of(self.source, step, origin, error, entry)
        log.error("dead_letter.written", source=self.source, step=step, origin=origin, why=letter.error, exc_info=error)
        report(error)
        try:
            self._letters.keep(letter)
        except Exception as fault:
            if self.refusal(fault):
                raise
            # Not to be kept either: the log and the report have it, and the loop goes on.
            log.error("dead_letter.not_kept", source=self.source, step=step, origin=origin, exc_info=fault)

    def attempt(
        self, step: str, work: Callable[[], Outcome], otherwise: Otherwise, origin: str = ""
    ) -> Outcome | Otherwise:
        """Run one step of the loop for itself; `otherwise` when it fails, or rests since it failed twice.

        It is tried again by itself: its dead letter tells of it until it succeeds. Raises only what `refusal` names.
        """
        key = (step, origin)
        failing = self._failing.get(key)
        if failing is not None and self._now_s() < failing.until_s:
            return otherwise
        try:
            outcome = work()
        except Exception as error:
            if self.refusal(error):
                raise
            self.note_failure(step, error, origin)
            return otherwise
        self.note_success(step, origin)
        return outcome

    def each(self, step: str, rows: Iterable[Row], work: Callable[[Row], Outcome], otherwise: Outcome) -> list[Outcome]:
        """`attempt` a step for every row by itself: one that fails does not stop the others."""
        return [self.attempt(step, partial(work, row), otherwise, str(row)) for row in rows]

    def rests(self, step: str, origin: str = "") -> bool:
        """Whether a step failed twice, and is not to be tried yet."""
        failing = self._failing.get((step, origin))
        return failing is not None and self._now_s() < failing.until_s

    def resting(self, step: str) -> list[str]:
        """The origins whose step is not to be tried yet."""
        now_s = self._now_s()
        return [origin for (one, origin), failing in self._failing.items() if one == step and now_s < failing.until_s]

    def note_failure(self, step: str, error: Exception, origin: str = "", times: int = 1) -> None:
        """Count failures of a step: the second in a row is a dead letter, and from then on the step rests."""
        failing = self._failing.setdefault((step, origin), _Failing(0, 0.0))
        failing.times += times if failing.times == 0 else 1
        if failing.times == 1:
            log.warning("step.failed", source=self.source, step=step, origin=origin, exc_info=error)
        else:
            most_s = REST_MOST_S if origin else STEP_REST_MOST_S
            failing.until_s = self._now_s() + min(most_s, REST_S * 2.0 ** min(failing.times - 2, 10))
            self.bury(step, origin, error)
        if len(self._failing) > REMEMBERED:
            self._failing.popitem(last=False)

    def note_success(self, step: str, origin: str = "") -> None:
        """Settle the dead letter of a step that works again, also the one that an earlier process left."""
        failing = self._failing.get((step, origin))
        if failing is None and (origin or step in self._proven):
            return
        if failing is None or failing.times > 1:
            self.settle(step, origin)
        self._failing.pop((step, origin), None)
        if not origin:
            self._proven.add(step)

    def settle(self, step: str, origin: str) -> None:
        """Settle the letter of an origin, which an earlier process may have left."""
        self._letters.keep(DeadLetterMessage(1, self.source, step, origin, settled=True))

    def apply_rows(self, step: str, rows: Sequence[Row], work: Callable[[Sequence[Row]], Outcome]) -> list[Outcome]:
        """`apply` to rows, which stay where they are: one that fails alone twice rests, and `resting` names it."""

        def rest(row: Row, error: Exception) -> None:
            self.note_failure(step, error, str(row), times=2)

        return self.apply(rows, work, rest)

    def settle_rested(self, step: str) -> None:
        """Settle the letters of the rows that no longer rest, after all rows of a step went well together."""
        rested = [origin for (one, origin) in self._failing if one == step and origin]
        for origin in rested:
            if not self.rests(step, origin):
                self.note_success(step, origin)

    def setback(self, error: Exception) -> Setback:
        """What to do after a turn that failed: wait, longer each time in a row, and a little while only."""
        self._setbacks += 1
        words = self.refusal(error)
        first_s, most_s = (WAIT_S, WAIT_MOST_S) if words else (TURN_WAIT_S, TURN_WAIT_MOST_S)
        wait_s = min(most_s, first_s * 2.0 ** min(self._setbacks - 1, 10))
        if words:
            log.warning(
                "redis.away" if "Redis" in words else "postgresql.away",
                why=words,
                error=type(error).__name__,
                retry_in_s=wait_s,
            )
            return Setback(words, wait_s, away=True)
        try:
            self.note_failure("turn", error)
        except Exception as away:
            if not self.refusal(away):
                raise
            return Setback(self.refusal(away), wait_s, away=True)
        return Setback(f"a turn failed: {type(error).__name__}", wait_s, away=False)

    def turned(self) -> bool:
        """Say that a turn went well; True when it is the first after a setback."""
        recovered, self._setbacks = self._setbacks > 0, 0
        self.note_success("turn")
        return recovered
