"""Scenario: regions, failure rates of paths, regions and providers, and faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from consensus.vocabulary import Sensitivity
from vigil.simulation.worlds.draws import between, unit

WEEK_MS = 7 * 24 * 3_600_000
MONTH_MS = 30 * 24 * 3_600_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
#: Region -> domain.
FIVE_REGIONS = {"ap-south": "gcp", "eu-north": "ovh", "eu-west": "aws", "us-east": "aws", "us-west": "hetzner"}


@dataclass(frozen=True, slots=True)
class Noise:
    """False failures of healthy targets.

    `blip`: one attempt fails, and the second a second later with `blip_stays`. A region, and a provider (all regions of
    one domain), has bad spells of `spell_ms` in which `spell_hit` of its checks fail. `path_share` of the time one
    region's path to one target is bad for `path_ms`, and every attempt on it fails.
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
    """Real failures of targets. `partial` of them are seen by some regions only."""

    every_ms: int = 5 * HOUR_MS
    lasts_ms: tuple[int, int] = (20_000, 25 * MINUTE_MS)
    partial: float = 0.0
    #: Shares of outages: slow answers, and refused keys. The rest refuse or hang, half each.
    slow: float = 0.05
    account: float = 0.05
    #: Share of the monitors that fail together, each outage at the same moment: what they stand on fails.
    together: float = 0.0


class Luck(StrEnum):
    """Fate of one message between a region and Redis."""

    ARRIVES = "arrives"
    LOST = "lost"
    TWICE = "twice"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Links:
    """Message faults between a region and Redis."""

    lost: float = 0.0
    twice: float = 0.0
    #: Share of messages delayed by up to this, so that they overtake each other.
    late: float = 0.0
    late_ms: int = 40_000

    def luck(self, *key: int) -> tuple[Luck, float]:
        """Fate of the message with this key, and its delay (or its copy's)."""
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
    """Cuts of regions from the control plane; none by default.

    One region of each world for `whole_ms`; others at times, for `lasts_ms`. A cut region dies at times, for up to a
    minute. At times there is no dispatcher for `silence_ms`: Redis or all dispatchers are dead.
    """

    whole_ms: int = 0
    every_ms: int = 0
    lasts_ms: tuple[int, int] = (MINUTE_MS, 6 * HOUR_MS)
    dies_every_ms: int = 0
    silence_every_ms: int = 0
    silence_ms: tuple[int, int] = (MINUTE_MS, 4 * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Losses:
    """Times in which so many regions lose their way to every target; none by default.

    In every other one they lose it one after the other, up to `apart_ms` from each other.
    """

    every_ms: int = 0
    lasts_ms: tuple[int, int] = (3 * MINUTE_MS, 20 * MINUTE_MS)
    regions: int = 3
    apart_ms: int = 45_000


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
    #: Interval of faults of our processes, Redis, or a region's link; 0 for none.
    fault_every_ms: int = 0
    cuts: Cuts = field(default_factory=Cuts)
    losses: Losses = field(default_factory=Losses)
    hours_least: float = 2.0
    #: Regions of one domain that lie: inverted results, twice and late.
    liars: int = 0
    #: Starts of looks, in place of the sensitivity's.
    looks_ms: tuple[int, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether messages arrive and processes live, so that uneventful checks can be skipped."""
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
            "one region is cut off for a day, others for minutes and hours; some die; or no dispatcher is heard",
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
        Scenario(
            "lost",
            "three of five regions lose their way to every target, at once or one after the other; targets fail, too",
            Noise(region_every_ms=0, provider_every_ms=0),
            Truth(every_ms=90 * MINUTE_MS, lasts_ms=(4 * MINUTE_MS, 15 * MINUTE_MS)),
            losses=Losses(every_ms=HOUR_MS),
        ),
        Scenario(
            "mass",
            "all targets fail together, and a domain of two regions says that all is well",
            truth=Truth(
                every_ms=2 * HOUR_MS, lasts_ms=(4 * MINUTE_MS, 15 * MINUTE_MS), together=1.0, slow=0, account=0
            ),
            liars=2,
        ),
        Scenario(
            "shared",
            "what half of the targets stand on fails, everywhere or in some of the regions only",
            truth=Truth(
                every_ms=2 * HOUR_MS,
                lasts_ms=(4 * MINUTE_MS, 15 * MINUTE_MS),
                partial=0.5,
                together=0.5,
                slow=0,
                account=0,
            ),
        ),
        Scenario("stress", "each path bad 1 % of the time: blips that last as long as a look", Noise(path_share=0.01)),
    )
}
