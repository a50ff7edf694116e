"""Answer to "is this provider all right, from this region, with my key": a verdict, whose fault, and evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from probes.reasons import Reason, Status
from vigil.access.core.region_access import KEPT_OUT
from vigil.history.core.minutes_lost import LossClass, class_of
from vigil.mcp.core.state_facts import RegionSight, StateFacts


class AllRight(StrEnum):
    """Whether it can be used as asked."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


class StateReason(StrEnum):
    """Why that is the answer."""

    WELL = "well"
    WELL_BUT_DECLARED = "well_but_declared"
    PAUSED = "paused"
    NOT_SEEN = "not_seen"
    REGION_NOT_WATCHING = "region_not_watching"
    REGION_KEPT_OUT = "region_kept_out"
    REGION_ALONE = "region_alone"
    KEY_REFUSED = "key_refused"
    KEY_USED_UP = "key_used_up"
    KEY_NEARLY_USED_UP = "key_nearly_used_up"
    SOME_REGIONS = "some_regions"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class StateVerdict:
    """The answer; `fault` is None where nothing is wrong."""

    all_right: AllRight
    reason: StateReason
    fault: LossClass | None
    words: str


_FAULT_WORDS = {
    LossClass.OURS: "The fault is ours: the key, its limits or the request.",
    LossClass.THEIRS: "The fault is the {whose}'s.",
    LossClass.NET: "The fault is on the way, not the {whose}'s.",
    LossClass.UNKNOWN: "Whose fault it is cannot be told.",
}


def answer_of(facts: StateFacts) -> StateVerdict:
    """The first rule that fits:

    1. nobody looks, or the region that was asked about does not;
    2. the region is kept out, or fails alone: others may be served;
    3. the provider refuses the key: ours, and a provider that answers is up;
    4. what the regions agreed on: down, degraded;
    5. up, and some regions fail;
    6. up, and the key is about to be used up;
    7. up, whatever the provider's own page says.
    """
    return _unseen(facts) or _of_region(facts) or _of_key(facts) or _of_target(facts) or _of_well(facts)


def _unseen(facts: StateFacts) -> StateVerdict | None:
    if facts.paused:
        return _told(facts, AllRight.UNKNOWN, StateReason.PAUSED, None, "is paused: nobody looks at it.")
    if facts.region and facts.sights_known and _asked(facts) is None:
        looking = ", ".join(sight.region for sight in facts.sights[:10]) or "none"
        words = f"is not checked from {facts.region}. Regions that look: {looking}."
        return _told(facts, AllRight.UNKNOWN, StateReason.REGION_NOT_WATCHING, None, words)
    if facts.status is Status.UNKNOWN or facts.blind:
        return _told(facts, AllRight.UNKNOWN, StateReason.NOT_SEEN, None, "has no verdict: too few regions can see it.")
    return None


def _of_region(facts: StateFacts) -> StateVerdict | None:
    asked = _asked(facts)
    if asked is None:
        return None
    if asked.access in KEPT_OUT:
        words = f"keeps {asked.region} out ({asked.access.replace('_', ' ')}); it is not an outage."
        return _told(facts, AllRight.NO, StateReason.REGION_KEPT_OUT, LossClass.NET, words)
    if asked.status is Status.DOWN and facts.status is not Status.DOWN and not facts.account:
        fault = class_of(asked.reason, 1, max(2, len(facts.sights)))
        fault = LossClass.NET if fault is LossClass.THEIRS else fault
        words = f"fails from {asked.region} ({_reason(asked.reason)}), and the regions do not agree that it is down."
        return _told(facts, AllRight.NO, StateReason.REGION_ALONE, fault, words)
    return None


def _of_key(facts: StateFacts) -> StateVerdict | None:
    if not facts.account:
        return None
    reason = facts.reason or _commonest(failing(facts.sights))
    if reason in (Reason.QUOTA, Reason.RATE_LIMITED):
        words = f"answers, and this key has used up what it may ({_reason(reason)})."
        return _told(facts, AllRight.NO, StateReason.KEY_USED_UP, LossClass.OURS, words)
    words = f"answers, and refuses this key or request ({_reason(reason)}); it is not an outage."
    return _told(facts, AllRight.NO, StateReason.KEY_REFUSED, LossClass.OURS, words)


def _of_target(facts: StateFacts) -> StateVerdict | None:
    if facts.status not in (Status.DOWN, Status.DEGRADED):
        return None
    worse = failing(facts.sights)
    reason = facts.reason or _commonest(worse)
    # A verdict is a quorum's: where the last results are not known, more than one region has seen it.
    seen, looked = (len(worse), len(facts.sights)) if worse else (2, 2)
    fault = class_of(reason, seen, looked) if reason else LossClass.UNKNOWN
    regions = f" in {len(worse)} of {len(facts.sights)} regions" if worse else ""
    if facts.status is Status.DOWN:
        return _told(facts, AllRight.NO, StateReason.DOWN, fault, f"is down ({_reason(reason)}{regions}).")
    return _told(facts, AllRight.PARTLY, StateReason.DEGRADED, fault, f"is degraded ({_reason(reason)}{regions}).")


def _of_well(facts: StateFacts) -> StateVerdict:
    worse = failing(facts.sights)
    if worse and not facts.region:
        names = ", ".join(sight.region for sight in worse[:5])
        words = f"is up, and fails from {len(worse)} of {len(facts.sights)} regions: {names}."
        return _told(facts, AllRight.PARTLY, StateReason.SOME_REGIONS, LossClass.NET, words)
    if facts.key and facts.key.used_up:
        words = "is up, and this key's quota is used up."
        return _told(facts, AllRight.NO, StateReason.KEY_USED_UP, LossClass.OURS, words)
    if facts.key and facts.key.short:
        words = "is up, and this key has no headroom for more requests."
        return _told(facts, AllRight.PARTLY, StateReason.KEY_NEARLY_USED_UP, LossClass.OURS, words)
    where = f" from {facts.region}" if facts.region else ""
    if facts.feed and facts.feed.titles:
        words = f"is up{where} by our own checks; its status page tells of trouble."
        return _told(facts, AllRight.YES, StateReason.WELL_BUT_DECLARED, None, words)
    return _told(facts, AllRight.YES, StateReason.WELL, None, f"is up{where}.")


def failing(sights: Sequence[RegionSight]) -> list[RegionSight]:
    """Regions whose last result is down or degraded and that the provider does not keep out."""
    bad = (Status.DOWN, Status.DEGRADED)
    return [sight for sight in sights if sight.status in bad and sight.access not in KEPT_OUT]


def _asked(facts: StateFacts) -> RegionSight | None:
    return next((sight for sight in facts.sights if sight.region == facts.region), None)


def _commonest(sights: Sequence[RegionSight]) -> Reason | None:
    reasons = [sight.reason for sight in sights]
    return max(reasons, key=reasons.count) if reasons else None


def _reason(reason: Reason | None) -> str:
    return reason.replace("_", " ") if reason else "the reason is not stored"


def _told(
    facts: StateFacts, all_right: AllRight, reason: StateReason, fault: LossClass | None, words: str
) -> StateVerdict:
    flaps = " It is flapping." if facts.flapping else ""
    said = " " + _FAULT_WORDS[fault].format(whose="provider" if facts.provider else "target") if fault else ""
    return StateVerdict(all_right, reason, fault, f"{facts.name} {words}{flaps}{said}")
