"""Calls in dead letters: what could not be dispatched is asked for again, after a fix, by its call."""

from __future__ import annotations

from msgspec.structs import replace

from consensus.verdicts import VERDICT_VERSION, Call, Round, encode
from probes import keys
from probes.message_decoder import LAST_MS
from probes.process.dead_letters import DeadLetterMessage, entry_of


def call_letter(call: Call) -> DeadLetterMessage:
    """The bytes of a call, and the stream that a replay adds them to.

    Its time is the last there is, which dispatch takes for now: the same call again is the same letter.
    """
    return entry_of(keys.CALLS, "", encode(replace(call, at_ms=LAST_MS)))


def round_letter(round: Round) -> DeadLetterMessage:
    """The call that asks for a round like this one, which is over by then."""
    return call_letter(Call(VERDICT_VERSION, round.monitor, round.caller, round.cause, LAST_MS))
