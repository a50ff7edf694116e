"""The rules of others do what is said of them, on worlds small enough to follow by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vigil.simulation.judges.rivals import RIVALS, reports_of
from vigil.simulation.judges.score import RuleReport, mean, percentile, score
from vigil.simulation.worlds.draws import stream, unit
from vigil.simulation.worlds.scenario import HOUR_MS, MINUTE_MS, Noise, Scenario, Truth
from vigil.simulation.worlds.spells import Ailment
from vigil.simulation.worlds.world import World

QUIET = Noise(blip=0.0, region_every_ms=0, provider_every_ms=0)
REFUSED = Scenario(
    "one outage", "", QUIET, Truth(every_ms=HOUR_MS, lasts_ms=(10 * MINUTE_MS, 10 * MINUTE_MS + 1), slow=0, account=0)
)
EVERYBODY = frozenset(range(5))


def delays(rival: str, ailment: Ailment) -> list[float]:
    """How long a rule took (s) for each outage of one kind, in a world without noise."""
    world = World(REFUSED, 1, 40, range(0, 12 * HOUR_MS))
    found = []
    for number in range(40):
        reports = reports_of(world, number, RIVALS[rival])
        outages = world.outages(number)
        assert len(reports) == len(outages)
        found += [
            (report.opened_ms - outage.from_ms) / 1000
            for report, outage in zip(reports, outages, strict=True)
            if outage.ailment is ailment
        ]
    return found


@pytest.mark.parametrize(
    ("rival", "refused_s", "hanging_s"),
    [
        # Three regions have to look: 2.5 of 5 staggered slots of 12 s, and what an answer takes.
        ("majority", 30, 40),
        ("at_least_half", 30, 40),
        ("majority_retry", 30, 50),
        ("three_in_a_row", 150, 160),
        ("18_percent", 174, 184),
    ],
)
def test_each_rule_takes_as_long_as_arithmetic_says(rival: str, refused_s: float, hanging_s: float) -> None:
    assert mean(delays(rival, Ailment.REFUSES)) == pytest.approx(refused_s, abs=3)
    assert mean(delays(rival, Ailment.HANGS)) == pytest.approx(hanging_s, abs=3)


def test_half_of_an_even_number_of_regions_is_enough_for_one_rule_and_not_for_another() -> None:
    four = replace(REFUSED, regions=REFUSED.regions[:4], truth=Truth(0), noise=replace(QUIET, path_share=0.2))
    world = World(four, 2, 20, range(0, 4 * HOUR_MS))
    half, most = (
        sum(len(reports_of(world, number, RIVALS[name])) for number in range(20))
        for name in ("at_least_half", "majority")
    )

    assert half > 3 * most > 0


def test_a_report_without_an_outage_is_false_and_an_outage_without_a_report_is_missed() -> None:
    world = World(REFUSED, 1, 1, range(0, 12 * HOUR_MS))
    first, *rest = world.outages(0)
    told = [RuleReport(outage.from_ms + 20_000, outage.to_ms + 30_000) for outage in rest]

    found = score(world, 0, [RuleReport(first.from_ms - 60_000, first.from_ms - 50_000), *told], EVERYBODY, slow=True)

    assert (found.outages, found.false, found.missed) == (len(rest) + 1, 1, 1)
    assert set(found.refused_s + found.hung_s) == {20.0}
    assert set(found.recovered_s) == {30.0}


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile(range(1, 101), 95) == 95
    assert percentile([7.0], 50) == 7
    assert percentile([], 95) is None


def test_a_draw_belongs_to_its_key_on_every_machine() -> None:
    assert [round(unit(1, key), 6) for key in range(4)] == DRAWN
    assert round(stream(1, 2, 3).random(), 6) == STREAMED
    assert sum(unit(5, key) < 0.01 for key in range(100_000)) == pytest.approx(1_000, abs=150)


DRAWN = [0.405047, 0.357777, 0.604265, 0.987914]
STREAMED = 0.819888
