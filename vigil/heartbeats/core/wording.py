"""Heartbeat incident wording: titles and texts for late, failed and over-budget jobs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vigil.heartbeats.core.pings.body import last_words
from vigil.heartbeats.core.pings.outcome_words import EMPTY
from vigil.heartbeats.core.pings.wire import Ping
from vigil.heartbeats.core.reception import ReceiverGap
from vigil.heartbeats.core.schedule import length_in_words
from vigil.heartbeats.core.states import EffectReason, HeartbeatEffect, HeartbeatState, HeartbeatTrouble, Terms

NAME_LIMIT = 200
#: Gaps named in a text; of more, the last ones.
GAPS_NAMED = 4
#: Prefix of the cause key of silences that follow a receiver gap.
UNHEARD = "unheard:"


@dataclass(frozen=True, slots=True)
class Happening:
    """A step to report: the heartbeat, its state before, the effect, and the ping."""

    name: str
    terms: Terms
    before: HeartbeatState
    effect: HeartbeatEffect
    ping: Ping | None = None


def title(happening: Happening) -> str:
    """Title of the incident that this step opens or changes."""
    name, why = happening.name[:NAME_LIMIT], happening.effect.why
    if happening.effect.state.trouble is HeartbeatTrouble.DEGRADED:
        return f"{name} may be looping" if why is EffectReason.LOOPING else f"{name} is over budget"
    return {
        EffectReason.MISSED: f"{name} missed its ping",
        EffectReason.OVERRAN: f"{name} started and did not finish",
        EffectReason.FAILED: f"{name} failed",
        EffectReason.FAILED_AGAIN: f"{name} failed",
    }.get(why, f"{name} is down")


def text(happening: Happening) -> str:
    """What happened, with its figures."""
    effect = happening.effect
    if effect.why is EffectReason.MISSED:
        return _missed(happening)
    if effect.why is EffectReason.OVERRAN and effect.overran:
        limit = length_in_words(happening.terms.longest_run)
        run = f"The run {effect.overran.rid}" if effect.overran.rid else "The run"
        again = f", and first at {clock(effect.overran.first)}," if effect.overran.first is not None else ""
        begun = f"{clock(effect.overran.started)}{again}"
        return f"{run} that started at {begun} has not finished within {limit}.{_hidden(effect.gaps)}"
    if effect.why in (EffectReason.FAILED, EffectReason.FAILED_AGAIN):
        return _failed(happening)
    if effect.breaches:
        return f"The last run: {'; '.join(breach.in_words() for breach in effect.breaches)}."
    if effect.why is EffectReason.CAME_BACK:
        took = f" The run took {_took(effect.duration)}." if effect.duration is not None else ""
        return f"The job pinged at {clock(_at(happening))} and works again.{took}"
    return "The last run was within its budget."


def evidence(happening: Happening) -> dict[str, Any]:
    """Figures of a step, as stored."""
    before, effect, ping = happening.before, happening.effect, happening.ping
    kept: dict[str, Any] = {
        "why": effect.why.value,
        "schedule": happening.terms.schedule.in_words(),
        "grace_s": round(happening.terms.grace.total_seconds()),
        "last_success": _stored(before.last_success),
        "expected": _stored(before.expected),
        "breaches": [{"rule": one.rule, "value": one.value, "limit": one.limit} for one in effect.breaches],
    }
    if effect.gaps:
        kept["gaps"] = [[gap.begin.isoformat(), gap.end.isoformat()] for gap in effect.gaps]
    if ping is not None:
        kept |= {"ping": ping.id, "exit_code": ping.exit_code, "word": ping.word, "rid": ping.rid}
    if effect.duration is not None:
        kept["duration_s"] = round(effect.duration.total_seconds(), 3)
    return {"explanation": text(happening), "heartbeat": kept}


def shared_gap(effect: HeartbeatEffect) -> str:
    """Cause key of jobs whose pings the same gap may have hidden, so that they are told together; "" without one."""
    return f"{UNHEARD}{effect.gaps[-1].end:%Y-%m-%dT%H:%M:%S}" if effect.gaps else ""


def clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _missed(happening: Happening) -> str:
    before, terms = happening.before, happening.terms
    expected = before.expected
    if expected is None:
        return "No ping came in time."
    last = f"the last success came at {clock(before.last_success)}" if before.last_success else "none so far"
    plan, grace = terms.schedule.in_words(), length_in_words(terms.grace)
    by, due = clock(expected + terms.grace), clock(expected)
    hidden = _hidden(happening.effect.gaps)
    return f"No ping by {by}: expected at {due} ({plan}), grace {grace}; {last}.{hidden}"


def _hidden(gaps: Sequence[ReceiverGap]) -> str:
    """The time in which a ping may have been lost, unknown to Vigil."""
    if not gaps:
        return ""
    times = [gap.in_words() for gap in gaps[-GAPS_NAMED:]]
    more = f"{len(gaps) - GAPS_NAMED} times before, and " if len(gaps) > GAPS_NAMED else ""
    spans = ", ".join(times[:-1]) + f" and {times[-1]}" if len(times) > 1 else times[0]
    return f" Vigil could not receive {more}from {spans} (UTC): a call in that time may be lost."


def _failed(happening: Happening) -> str:
    ping = happening.ping
    if ping is None:
        return "The job reported a failure."
    code = f" with exit code {ping.exit_code}" if ping.exit_code else f" with {_word(ping.word)}" if ping.word else ""
    after = f" after {_took(happening.effect.duration)}" if happening.effect.duration is not None else ""
    said = last_words(ping.body)
    wrote = f" It wrote: {said}" if said else ""
    return f"The job failed at {clock(_at(happening))}{code}{after}.{wrote}"


def _word(word: str) -> str:
    """A code or the name of a signal in words; a status of Windows also in its usual form."""
    if word == EMPTY:
        return f"{EMPTY} for its exit code: the variable in the address was not set"
    if not word.lstrip("-").isdigit():
        return f"“{word}”"
    number = int(word)
    status = f" (0x{number % 2**32:08X})" if number < 0 or number >= 2**31 else ""
    return f"exit code {word}{status}"


def _at(happening: Happening) -> datetime:
    return happening.effect.state.decided or datetime.fromtimestamp(0, UTC)


def _took(duration: timedelta | None) -> str:
    if duration is None:
        return "an unknown time"
    return length_in_words(duration) if duration >= timedelta(seconds=1) else f"{duration.total_seconds():.2f} s"


def _stored(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
