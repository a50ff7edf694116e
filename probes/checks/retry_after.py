"""Targets that asked to be left alone for a while (Retry-After): which checks are skipped for that, and until when."""

from __future__ import annotations

from collections import OrderedDict

from probes.ai.rate_limits import RETRY_AFTER_MOST_S
from probes.prober import RETRY_AFTER, Observation
from probes.reasons import Reason, Status
from probes.wire import Check

#: The same for a target that is not well: an hour without looking would hide that it is well again (s).
_OTHERS_MOST_S = 300.0
_TOO_MANY_REQUESTS = 429


def asked_s(seen: Observation) -> float:
    """For how long the target asked to be left alone; 0 when it did not."""
    asked = seen.facts.get(RETRY_AFTER, 0)
    if isinstance(asked, bool | str):
        return 0.0
    return max(0.0, min(float(asked), RETRY_AFTER_MOST_S))


def refuses_more(seen: Observation) -> bool:
    """Whether a second attempt would only make it worse."""
    return seen.code == _TOO_MANY_REQUESTS and asked_s(seen) > 0


class RetryAfter:
    """What this worker was asked, by monitor and revision; bounded, the oldest request forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._until: OrderedDict[tuple[str, int], tuple[int, bool, Reason]] = OrderedDict()

    def note(self, check: Check, seen: Observation, now_ms: int) -> None:
        """Remember what a result asks for, or that all is well again."""
        key = check.monitor, check.revision
        wait_s = asked_s(seen)
        if wait_s > 0 and seen.status is not Status.UP:
            too_many = seen.code == _TOO_MANY_REQUESTS
            honoured_s = wait_s if too_many else min(wait_s, _OTHERS_MOST_S)
            self._until[key] = now_ms + int(honoured_s * 1000), too_many, seen.reason
            self._until.move_to_end(key)
            if len(self._until) > self._most:
                self._until.popitem(last=False)
        elif self._until:
            self._until.pop(key, None)

    def until_ms(self, check: Check, now_ms: int) -> int:
        """Until when this check is to be skipped; 0 when it may be made.

        Confirming checks are worth a request, except where requests are what the target has too many of.
        """
        if not self._until:
            return 0
        until_ms, too_many, _ = self._until.get((check.monitor, check.revision), (0, False, Reason.OK))
        return until_ms if until_ms > now_ms and (too_many or not check.round) else 0

    def told(self, check: Check) -> Reason:
        """Why the target asked to be left alone, of a check that is to be skipped."""
        return self._until[check.monitor, check.revision][2]
