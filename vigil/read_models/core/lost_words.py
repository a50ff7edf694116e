"""Lost time in words: what most of it was, and whose fault. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from probes.reasons import Reason
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.history.core.minutes_lost import LossClass, LostTime
from vigil.read_models.core.figures import length

#: Each class as people call it.
CLASS_WORDS = {
    LossClass.OURS: "ours",
    LossClass.THEIRS: "theirs",
    LossClass.NET: "the net's",
    LossClass.UNKNOWN: "unknown",
}
#: Reasons as nouns, where that reads better than what an alert says.
_NOUNS = {
    Reason.OVERLOADED: "overload (529)",
    Reason.TIMEOUT: "timeouts",
    Reason.HTTP_5XX: "server errors (5xx)",
    Reason.HTTP_4XX: "client errors (4xx)",
    Reason.DNS_ERROR: "names that did not resolve",
    Reason.REFUSED: "refused connections",
    Reason.RESET: "reset connections",
    Reason.UNREACHABLE: "unreachable networks",
    Reason.TLS_ERROR: "failed TLS handshakes",
    Reason.LOADING: "a loading model",
    Reason.MODEL_MISSING: "a missing model",
    Reason.BUSY: "a busy server",
    Reason.STALLED: "a stalled server",
    Reason.SLOW: "slow answers",
    Reason.CONFIG: "invalid requests",
    Reason.BODY_MISMATCH: "wrong answers",
    Reason.VALUE_MISMATCH: "wrong answers",
    Reason.BOT_FILTER: "a bot filter",
    Reason.GEO_BLOCKED: "refusals by country",
    Reason.INTERFERED: "a network in between",
    Reason.AUTH: "a rejected key",
    Reason.QUOTA: "a used-up quota",
    Reason.RATE_LIMITED: "rate limits (429)",
    Reason.OK: "of unknown cause",
}
#: Causes that a sentence names.
_NAMED_MOST = 3


def cause_in_words(reason: Reason) -> str:
    """A reason as a noun."""
    return _NOUNS.get(reason) or reason_in_words(reason.value)


def lost_in_words(lost: LostTime) -> str:
    """`Of the 100 min lost, 71 % were overload (529), 20 % timeouts and 9 % a rejected key.`"""
    if not lost.counted_s:
        return "Nothing was watched in this time."
    if not lost.lost_s:
        return "No minute was lost."
    percents: Counter[str] = Counter()
    for share in lost.shares:
        percents[cause_in_words(share.reason)] += share.percent
    named = percents.most_common(_NAMED_MOST)
    told = [f"{percent} % {'' if place else 'were '}{cause}" for place, (cause, percent) in enumerate(named)]
    if len(percents) > _NAMED_MOST:
        told.append(f"{100 - sum(percent for _, percent in named)} % other causes")
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"Of the {length(timedelta(seconds=lost.lost_s))} lost, {listed}."
