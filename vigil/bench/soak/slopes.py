"""Memory slopes by Theil and Sen: the median of the slopes between all pairs of samples of a process. Pure.

The estimator is that of P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968: up to 29 %
of the samples may be of anything, such as a garbage collection, without moving it far.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

#: A process that has just started fills its pools and caches; a life must last so much longer to count (s).
WARM_UP_S, LEAST_S = 600.0, 900.0
LIMIT_MIB_PER_H = 2.0
#: In a run of half an hour, of which the samples span so much (s), a role without a figure may grow unseen.
FIGURES_FROM_S = 1_740.0


@dataclass(frozen=True, slots=True)
class MemorySample:
    """The resident memory of a process: `role` is its name, `life` tells one start of it from the next."""

    role: str
    life: str
    at_s: float
    kib: int


@dataclass(frozen=True, slots=True)
class RoleMemory:
    """Memory of one role. `mib_per_h` is None while none of its lives was long enough."""

    role: str
    lives: int
    counted: int
    longest_min: float
    last_mib: float
    most_mib: float
    mib_per_h: float | None

    @property
    def grows(self) -> bool:
        """Whether it grows faster than it may."""
        return self.mib_per_h is not None and self.mib_per_h > LIMIT_MIB_PER_H


def memory_of(samples: Iterable[MemorySample]) -> list[RoleMemory]:
    """Memory by role. The slope of a role is the median over its lives, after the warm-up of each."""
    by_role: dict[str, dict[str, list[MemorySample]]] = defaultdict(lambda: defaultdict(list))
    for sample in sorted(samples, key=lambda sample: sample.at_s):
        by_role[sample.role][sample.life].append(sample)
    return [_of_role(role, list(lives.values())) for role, lives in sorted(by_role.items())]


def unmeasured(samples: Sequence[MemorySample]) -> list[str]:
    """The roles without a slope in a run that is long enough for each to have one."""
    at_s = [sample.at_s for sample in samples]
    if not at_s or max(at_s) - min(at_s) < FIGURES_FROM_S:
        return []
    return [one.role for one in memory_of(samples) if one.mib_per_h is None]


def _of_role(role: str, lives: Sequence[Sequence[MemorySample]]) -> RoleMemory:
    lasted_s = [life[-1].at_s - life[0].at_s for life in lives]
    counted = [life for life, length_s in zip(lives, lasted_s, strict=True) if length_s >= WARM_UP_S + LEAST_S]
    slopes = [slope for life in counted for slope in _slopes(life)]
    every = [sample for life in lives for sample in life]
    return RoleMemory(
        role,
        len(lives),
        len(counted),
        round(max(lasted_s) / 60, 1),
        round(max(every, key=lambda sample: sample.at_s).kib / 1024, 1),
        round(max(sample.kib for sample in every) / 1024, 1),
        round(median(slopes), 2) if slopes else None,
    )


def _slopes(life: Sequence[MemorySample]) -> list[float]:
    """MiB an hour between each two samples after the warm-up."""
    warm = [sample for sample in life if sample.at_s >= life[0].at_s + WARM_UP_S]
    return [
        (later.kib - earlier.kib) / 1024 / (later.at_s - earlier.at_s) * 3600
        for number, earlier in enumerate(warm)
        for later in warm[number + 1 :]
        if later.at_s > earlier.at_s
    ]
