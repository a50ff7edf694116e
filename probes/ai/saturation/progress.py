"""Progress of each engine over successive samples: which of them moves, stands still, or is gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from probes.ai.saturation.sample import Sample

#: Counters that stood still between this many pairs of samples in a row are more than a coincidence; the same for an
#: engine that is not on the page.
_STILL_SAMPLES = _ABSENT_SAMPLES = 2
#: Requests that end in so many samples, while the counters stand, go to an engine that does not answer them. Those that
#: are broken off all at once end as well, in one.
_ENDED_SAMPLES = 2
#: An engine that has been gone for so long (s) is no longer missed: the server was made smaller.
_MISSED_S = 3_600.0
#: Engines of one server that are missed at once, those that were seen last before others.
_MISSED_MOST = 256


class EnginePhase(StrEnum):
    """What is known of one engine."""

    IDLE = "idle"
    MOVING = "moving"
    #: With work, and its counters stand; not for long enough to say more.
    STILL = "still"
    STALLED = "stalled"
    GONE = "gone"
    #: With work, and seen for the first time, or it tells nothing that moves.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the counters of one engine were, whether it had work, and since when they stand still.

    `seen_s` is when it was last on the page, `absent` in how many samples it has not been since; `restarts` how often
    its counters fell; `asked` how many requests the server has ended, `ended` in how many samples that grew while the
    counters stood, and `is_unasked` while these are too few. `is_proven` once it was seen to move, to have
    no work, or to join others.
    """

    progress: float | None
    worked: bool
    still_since_s: float
    still_samples: int
    counted: float | None = None
    seen_s: float = 0.0
    absent: int = 0
    restarts: int = 0
    is_new: bool = True
    asked: float | None = None
    ended: int = 0
    is_unasked: bool = False
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class EngineState:
    """One engine as it is told: `still_s` for how long its counters stand, 0 while they move.

    `is_unasked` when requests were not seen to end at the server since then, so that its gauges may be old.
    """

    name: str
    phase: EnginePhase
    running: float | None = None
    waiting: float | None = None
    cache: float | None = None
    still_s: float = 0.0
    restarts: int = 0
    is_coarse: bool = False
    is_unasked: bool = False


def next_standings(before: Mapping[str, Standing], sample: Sample, now_s: float, fixed: bool) -> dict[str, Standing]:
    """The standing of each engine after a sample; where engines are `fixed`, also of those that are not on it."""
    parts = dict(parts_of(sample))
    standings = {
        name: _standing(before[name], each, now_s, sample.asked)
        if name in before
        else _first_standing(each, now_s, sample.asked, is_known=bool(before))
        for name, each in parts.items()
    }
    gone = {name: each for name, each in before.items() if name not in parts}
    # The whole server began anew, or tells its engines in another way: nothing is missed. An engine that has counted
    # nothing is no witness of the opposite.
    restarted = all(
        each.is_new or not each.counted or each.restarts > before[name].restarts for name, each in standings.items()
    )
    if not fixed or not gone or restarted or "" in gone or "" in parts:
        return standings
    for name, each in sorted(gone.items(), key=lambda item: item[1].seen_s, reverse=True)[:_MISSED_MOST]:
        if now_s - each.seen_s <= _MISSED_S:
            standings[name] = Standing(
                each.progress, False, each.still_since_s, 0, each.counted, each.seen_s, each.absent + 1, each.restarts,
                False,
            )  # fmt: skip
    return standings


def engine_states(
    standings: Mapping[str, Standing], sample: Sample, now_s: float, stalled_s: float
) -> Sequence[EngineState]:
    """The state of each engine, those that are gone at the end."""
    parts = dict(parts_of(sample))
    states = [_state(name, part, standings[name], now_s, stalled_s) for name, part in parts.items()]
    gone = [name for name, each in standings.items() if name not in parts and each.absent >= _ABSENT_SAMPLES]
    return [*states, *(EngineState(name, EnginePhase.GONE, still_s=now_s - standings[name].seen_s) for name in gone)]


def unproven(standings: Mapping[str, Standing], sample: Sample) -> Sequence[str]:
    """The engines with work that were not seen to move since they were first looked at."""
    return [
        name
        for name, part in parts_of(sample)
        if has_work(part) and part.progress is not None and not standings[name].is_proven
    ]


def parts_of(sample: Sample) -> tuple[tuple[str, Sample], ...]:
    """The engines of a server, or the whole of it under no name."""
    return sample.engines or (("", sample),)


def has_work(sample: Sample) -> bool:
    return (sample.running or 0) + (sample.waiting or 0) > 0


def _first_standing(sample: Sample, now_s: float, asked: float | None, *, is_known: bool) -> Standing:
    """Of an engine that joins a server that is known nothing was missed: where replicas come and go, there is always
    one that was not seen to move yet."""
    working = has_work(sample)
    is_proven = is_known or not working
    return Standing(sample.progress, working, now_s, 0, sample.counted, now_s, asked=asked, is_proven=is_proven)


def _standing(before: Standing, sample: Sample, now_s: float, asked: float | None) -> Standing:
    working, progress, counted = has_work(sample), sample.progress, sample.counted
    fell = counted is not None and before.counted is not None and counted < before.counted
    restarts = before.restarts + 1 if fell else before.restarts
    since_s, still, ended, is_proven = now_s, 0, 0, True
    if working and before.worked and progress is not None and progress == before.progress:
        grew = asked is not None and before.asked is not None and asked > before.asked
        # At the first of these samples it may be what stopped the counters.
        ended, is_proven = before.ended + (grew and before.still_samples > 0), before.is_proven
        # A clock that was set back would otherwise keep a stall from showing for as long.
        since_s, still = min(before.still_since_s, now_s), before.still_samples + 1
    is_unasked = asked is not None and still > 0 and ended < _ENDED_SAMPLES
    return Standing(
        progress, working, since_s, still, counted, now_s, 0, restarts, False, asked, ended, is_unasked, is_proven
    )


def _state(name: str, sample: Sample, standing: Standing, now_s: float, stalled_s: float) -> EngineState:
    still_s = now_s - standing.still_since_s if standing.still_samples else 0.0
    return EngineState(
        name,
        _phase(sample, standing, still_s, stalled_s),
        sample.running,
        sample.waiting,
        sample.cache,
        still_s,
        standing.restarts,
        sample.is_coarse,
        standing.is_unasked,
    )


def _phase(sample: Sample, standing: Standing, still_s: float, stalled_s: float) -> EnginePhase:
    if not has_work(sample):
        tells = sample.running is not None or sample.waiting is not None
        return EnginePhase.IDLE if tells else EnginePhase.UNKNOWN
    if sample.progress is None or standing.is_new:
        return EnginePhase.UNKNOWN
    if standing.still_samples >= _STILL_SAMPLES and still_s >= stalled_s:
        return EnginePhase.STALLED
    return EnginePhase.STILL if standing.still_samples else EnginePhase.MOVING
