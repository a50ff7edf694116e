"""What a simulated world is made of: its regions, how often paths, regions and providers go bad, and what breaks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from consensus.examples import FIVE_REGIONS
from consensus.vocabulary import Sensitivity
from vigil.simulation.worlds.draws import between, unit

WEEK_MS = 7 * 24 * 3_600_000
MONTH_MS = 30 * 24 * 3_600_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Noise:
    """How the network lies about healthy targets.

    `blip`: a single attempt fails; the second attempt, a second later, fails too with `blip_stays`.
    A region, and a provider (all regions of one domain), has a bad spell of `spell_ms` every so often on average, in
    which `spell_hit` of its checks fail. `path_share` of the time one region's path to one target is bad, for
    `path_ms` at a time, and every attempt on it fails.
    """

    blip: float = 0.01
    blip_stays: float = 0.2
    region_every_ms: int = WEEK_MS
    provider_every_ms: int = MONTH_MS
    spell_ms: int = 10 * MINUTE_MS
    spell_hit: float = 0.9
    path_share: float = 0.0
    path_ms: tuple[int, int] = (5_000, 60_000)


@dataclass(frozen=True, slots=True)
class Truth:
    """How often and for how long targets really fail. Of them `partial` are seen by some regions only."""

    every_ms: int = 5 * HOUR_MS
    lasts_ms: tuple[int, int] = (20_000, 25 * MINUTE_MS)
    partial: float = 0.0
    #: Of all outages: an answer that is slow, and a key that is refused. The rest refuse or hang, half and half.
    slow: float = 0.05
    account: float = 0.05


class Luck(StrEnum):
    """What becomes of one message between a region and Redis."""

    ARRIVES = "arrives"
    LOST = "lost"
    TWICE = "twice"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Links:
    """What happens to messages between a region and Redis on their way."""

    lost: float = 0.0
    twice: float = 0.0
    #: Of the messages this share is late, by up to so much: they overtake each other.
    late: float = 0.0
    late_ms: int = 40_000

    def luck(self, *key: int) -> tuple[Luck, float]:
        """What becomes of the message with this key, and how much later than usual it (or its copy) arrives."""
        if not self.lost and not self.twice and not self.late:
            return Luck.ARRIVES, 0.0
        drawn = unit(*key)
        if drawn < self.lost:
            return Luck.LOST, 0.0
        if drawn < self.lost + self.twice:
            return Luck.TWICE, between(0, self.late_ms, 1, *key)
        if drawn < self.lost + self.twice + self.late:
            return Luck.LATE, between(0, self.late_ms, 1, *key)
        return Luck.ARRIVES, 0.0


@dataclass(frozen=True, slots=True)
class Cuts:
    """How regions are cut off from the control plane; never, unless it says so.

    One region of each world for `whole_ms`; others every so often, for a time of any order between `lasts_ms`. A region
    that is cut off dies every so often, for up to a minute. Every so often nobody gives orders for `silence_ms`: Redis
    is dead, or all dispatchers are.
    """

    whole_ms: int = 0
    every_ms: int = 0
    lasts_ms: tuple[int, int] = (MINUTE_MS, 6 * HOUR_MS)
    dies_every_ms: int = 0
    silence_every_ms: int = 0
    silence_ms: tuple[int, int] = (MINUTE_MS, 4 * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of world."""

    name: str
    says: str
    noise: Noise = field(default_factory=Noise)
    truth: Truth = field(default_factory=Truth)
    links: Links = field(default_factory=Links)
    regions: tuple[tuple[str, str], ...] = tuple(sorted(FIVE_REGIONS.items()))
    sensitivity: Sensitivity = Sensitivity.NORMAL
    interval_ms: int = 60_000
    timeout_ms: int = 10_000
    #: How often one of our own processes, or Redis, or a region's link is broken; 0 for never.
    fault_every_ms: int = 0
    cuts: Cuts = field(default_factory=Cuts)
    #: A world is not shorter than this, or little could happen in it.
    hours_least: float = 2.0
    #: This many regions, from one domain, lie: they say the opposite of what they see, twice and late.
    liars: int = 0
    #: When the looks of a round start, instead of what the sensitivity says.
    looks_ms: tuple[int, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether messages arrive and processes live: only then may uneventful checks be passed over."""
        return not self.fault_every_ms and self.links == Links() and self.cuts == Cuts()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("noise", "1 % blips, bad regions and providers, two of five regions share one"),
        Scenario("paths", "the same, and each path bad 0.1 % of the time", Noise(path_share=0.001)),
        Scenario(
            "partial",
            "every outage is seen by some of the regions only",
            truth=Truth(partial=1.0),
        ),
        Scenario(
            "faults",
            "every process crashes or pauses, Redis forgets, links are cut, clocks step; messages are lost and late",
            Noise(path_share=0.001),
            links=Links(lost=0.005, twice=0.02, late=0.005),
            truth=Truth(every_ms=2 * HOUR_MS, lasts_ms=(6 * MINUTE_MS, 20 * MINUTE_MS), partial=0.25),
            fault_every_ms=4 * MINUTE_MS,
        ),
        Scenario(
            "cut",
            "one region is cut off for a day, others for minutes and hours; some die meanwhile; or nobody gives orders",
            Noise(region_every_ms=0, provider_every_ms=0),
            Truth(every_ms=6 * HOUR_MS, lasts_ms=(12 * MINUTE_MS, 25 * MINUTE_MS)),
            cuts=Cuts(24 * HOUR_MS, 4 * HOUR_MS, dies_every_ms=4 * HOUR_MS, silence_every_ms=3 * HOUR_MS),
            hours_least=26.0,
        ),
        Scenario(
            "liars",
            "a domain of two regions says the opposite of what it sees, some of it twice and late",
            truth=Truth(every_ms=2 * HOUR_MS),
            links=Links(twice=0.1),
            liars=2,
        ),
        Scenario("stress", "each path bad 1 % of the time: blips that last as long as a look", Noise(path_share=0.01)),
    )
}


def with_sensitivity(scenario: Scenario, sensitivity: Sensitivity) -> Scenario:
    return replace(scenario, sensitivity=sensitivity)
