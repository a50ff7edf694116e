"""Report of a soak test, and whether it held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from vigil.bench.soak.harm import NemesisActs
from vigil.bench.soak.judge import Course, judge
from vigil.bench.soak.scene import Scene
from vigil.bench.soak.slopes import memory_of, unmeasured

#: What may not be: each is a number, or a list with a line for each.
WRONGS = (
    "lost", "doubled", "invented", "silences_untold", "unresolved", "out_of_order", "pings_lost",
    "dead_letters_unexplained", "not_running", "memory_grows", "memory_unmeasured", "nemeses_failed",
)  # fmt: skip
#: A page is at most this late, whatever dies.
BUDGETS: Mapping[str, float] = {"late_p99_s": 3.0}


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted in the end: pings by job, dead letters with those that nothing explains, processes missing."""

    pings: Mapping[str, int]
    dead_letters: tuple[int, list[str]]
    not_running: Sequence[str]


def held(report: Mapping[str, object]) -> bool:
    """Whether nothing was that may not be."""
    return not any(report[name] for name in WRONGS)


def report_of(harm: NemesisActs, outside: Scene, course: Course, counts: Counts) -> dict[str, object]:
    """All figures of a run."""
    judged = judge(course)
    lost_pings = {job: count - counts.pings.get(job, 0) for job, count in outside.acknowledged.items()}
    came, again = outside.requests()
    memory = memory_of(harm.watcher.samples)
    return {
        "lost": judged.lost,
        "doubled": judged.doubled,
        "invented": judged.invented,
        "silences_untold": judged.silences_untold,
        "unresolved": judged.unresolved,
        "out_of_order": judged.out_of_order,
        "pings_lost": sum(max(0, lost) for lost in lost_pings.values()),
        "dead_letters_unexplained": counts.dead_letters[1],
        "not_running": list(counts.not_running),
        "memory_grows": [one.role for one in memory if one.grows],
        "memory_unmeasured": unmeasured(harm.watcher.samples),
        "nemeses_failed": harm.failed,
        **{f"late_p{share}_s": _share(judged.late_s, share) for share in (50, 99, 100)},
        **{f"detected_p{share}_s": _share(judged.detected_s, share) for share in (50, 90, 100)},
        "outages": len(course.outages),
        "silences": len(course.silences),
        "incidents": dict(Counter(one.kind for one in course.written if one.event == "trigger")),
        "deliveries": len(course.written),
        "received": came,
        "sent_again": again,
        "pings_acknowledged": sum(outside.acknowledged.values()),
        "dead_letters": counts.dead_letters[0],
        "starts_failed": harm.installation.starts_failed,
        "starts_max_s": round(max(harm.installation.start_s), 1),
        "ended_by_themselves": harm.watcher.ended,
        "nemeses": dict(harm.done),
        "segments_lost": sum(region.link.lost for region in harm.regions.values()),
        "memory": [asdict(one) for one in memory],
    }


def _share(values: Sequence[float], share: int) -> float | None:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 2) if ordered else None
