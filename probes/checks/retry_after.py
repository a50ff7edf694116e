"""Retry-After: targets that asked for a pause, and which of their checks are skipped until when. Pure."""

from __future__ import annotations

from collections import OrderedDict

from probes.ai.rate_limits import RETRY_AFTER_MOST_S
from probes.prober import PAUSE, RETRY_AFTER, Observation
from probes.reasons import Reason, Status
from probes.wire import Check

#: The longest pause for other failures (s): an hour without checks would hide that the target recovered.
_OTHERS_MOST_S = 300.0
_TOO_MANY_REQUESTS = 429
#: How long a worker by itself leaves a monitor alone that is to be paused (s): the control plane pauses it long before.
_PAUSED_S = 86_400


def asked_s(seen: Observation) -> float:
    """The pause that the target asked for (s); 0 when it asked for none."""
    asked = seen.facts.get(RETRY_AFTER, 0)
    if isinstance(asked, bool | str):
        return 0.0
    return max(0.0, min(float(asked), RETRY_AFTER_MOST_S))


def refuses_more(seen: Observation) -> bool:
    """Whether a second attempt must not be made: the target answered 429 with Retry-After, or a check costs money."""
    return PAUSE in seen.facts or (seen.code == _TOO_MANY_REQUESTS and asked_s(seen) > 0)


class RetryAfter:
    """The pauses that targets asked this worker for, by monitor and revision; bounded, the oldest dropped first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._until: OrderedDict[tuple[str, int], tuple[int, bool, Reason]] = OrderedDict()

    def note(self, check: Check, seen: Observation, now_ms: int) -> None:
        """Remember the pause that a result asks for, or that the target recovered."""
        key = check.monitor, check.revision
        wait_s = asked_s(seen)
        if PAUSE in seen.facts:
            self._keep(key, (now_ms + _PAUSED_S * 1000, True, Reason.SKIPPED))
        elif wait_s > 0 and seen.status is not Status.UP:
            too_many = seen.code == _TOO_MANY_REQUESTS
            honoured_s = wait_s if too_many else min(wait_s, _OTHERS_MOST_S)
            self._keep(key, (now_ms + int(honoured_s * 1000), too_many, seen.reason))
        elif self._until:
            self._until.pop(key, None)

    def _keep(self, key: tuple[str, int], pause: tuple[int, bool, Reason]) -> None:
        self._until[key] = pause
        self._until.move_to_end(key)
        if len(self._until) > self._most:
            self._until.popitem(last=False)

    def until_ms(self, check: Check, now_ms: int) -> int:
        """Until when this check is to be skipped; 0 when it may be made.

        Confirming checks are still made, except where the target has too many requests (429).
        """
        if not self._until:
            return 0
        until_ms, too_many, _ = self._until.get((check.monitor, check.revision), (0, False, Reason.OK))
        return until_ms if until_ms > now_ms and (too_many or not check.round) else 0

    def reason(self, check: Check) -> Reason:
        """Why the target asked for a pause; for a check that is to be skipped."""
        return self._until[check.monitor, check.revision][2]
