"""Would it have paged? The product's own law on a past that is known, under one policy and another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from consensus.vocabulary import Sensitivity
from probes.reasons import Reason, Status
from vigil.backtest.core.comparison import ComparisonOutcome, compare
from vigil.backtest.core.law import BacktestPage, Policy, replay_past
from vigil.backtest.core.past import Past, PastResult
from vigil.incidents.core.model import IncidentKind

T0 = 1_900_000_000_000
MINUTE = 60_000
REGIONS = {"ap": "gcp", "eu": "aws", "us": "hetzner", "af": "aws", "sa": "ovh"}


def past(failing: Callable[[str, int], bool], minutes: int = 60, reason: Reason = Reason.REFUSED) -> Past:
    """Every region looks once a minute, one after the other; `failing` says when (ms since T0) and where it is down."""
    checks: dict[str, list[PastResult]] = {}
    for place, region in enumerate(REGIONS):
        for minute in range(minutes):
            at = minute * MINUTE + place * 12_000
            down = failing(region, at)
            status, why = (Status.DOWN, reason) if down else (Status.UP, Reason.OK)
            checks.setdefault(region, []).append(PastResult(T0 + at, region, status, why, 20_000))
    return Past(checks, MINUTE)


def policy(sensitivity: Sensitivity = Sensitivity.NORMAL, regions: dict[str, str] | None = None) -> Policy:
    return Policy(regions or REGIONS, sensitivity, 10_000)


def pages(seen: Past, wanted: Policy | None = None, *kinds: IncidentKind) -> list[BacktestPage]:
    chosen = kinds or (IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT)
    return [page for page in replay_past(seen, wanted or policy(), T0) if page.kind in chosen]


def during(start_min: float, end_min: float, *regions: str) -> Callable[[str, int], bool]:
    return lambda region, at: (not regions or region in regions) and start_min * MINUTE <= at < end_min * MINUTE


def test_a_past_in_which_all_was_well_pages_nobody() -> None:
    assert replay_past(past(lambda region, at: False), policy(), T0) == []


def test_an_outage_pages_once_and_ends() -> None:
    found = pages(past(during(10, 20)))
    assert [page.kind for page in found] == [IncidentKind.OUTAGE]
    opened, resolved = found[0].opened_ms - T0, found[0].resolved_ms - T0
    assert 10 * MINUTE <= opened <= 11 * MINUTE and 20 * MINUTE <= resolved <= 23 * MINUTE
    assert 10 * MINUTE <= found[0].started_ms - T0 <= opened


def test_more_proof_pages_later_and_less_proof_sooner() -> None:
    seen = past(during(10, 20))
    opened = [pages(seen, policy(level))[0].opened_ms for level in Sensitivity]
    assert opened[0] + 9_000 <= opened[1] and opened[1] + 40_000 <= opened[2]


def test_a_dip_of_half_a_minute_pages_only_those_who_want_little_proof() -> None:
    seen = past(during(10, 10.9))
    assert len(pages(seen, policy(Sensitivity.HIGH))) == 1
    assert pages(seen, policy(Sensitivity.LOW)) == []


def test_one_regions_trouble_pages_nobody_and_is_a_regional_incident() -> None:
    seen = past(during(10, 40, "eu"))
    assert pages(seen) == []
    assert [page.kind for page in replay_past(seen, policy(), T0)] == [IncidentKind.REGIONAL]


def test_without_the_regions_that_disagree_the_same_past_pages() -> None:
    seen = past(during(10, 20, "eu", "ap"))
    assert pages(seen) == []
    assert len(pages(seen, policy(regions={"eu": "aws", "ap": "gcp"}))) == 1


def test_an_outage_that_goes_on_is_open() -> None:
    found = pages(past(during(30, 10_000)))
    assert [page.resolved_ms for page in found] == [0]


def test_flapping_is_one_page() -> None:
    def on_and_off(region: str, at: int) -> bool:
        return 10 * MINUTE <= at < 70 * MINUTE and at // (3 * MINUTE) % 2 == 0

    found = pages(past(on_and_off, minutes=180))
    assert len(found) < 10 and found[-1].resolved_ms


def test_regions_that_did_not_look_have_no_vote() -> None:
    seen = past(during(10, 20)).without(frozenset({"us", "sa"}))
    assert len(pages(seen)) == 1
    assert pages(seen.without(frozenset({"eu", "af"}))) == []


def test_what_was_seen_at_a_moment_is_the_nearest_check_within_an_interval() -> None:
    seen = past(during(10, 20), minutes=30)
    near = seen.near("ap", T0 + 10 * MINUTE - 20_000)
    assert near is not None and near.at_ms == T0 + 10 * MINUTE and near.status is Status.DOWN
    assert seen.near("ap", T0 + 32 * MINUTE) is None and seen.near("nowhere", T0) is None


@pytest.mark.parametrize(
    ("now", "then", "outcomes"),
    [
        ([(0, 60)], [(0, 60)], [ComparisonOutcome.SAME]),
        ([(0, 60)], [(30, 60)], [ComparisonOutcome.LATER]),
        ([(30, 60)], [(0, 60)], [ComparisonOutcome.SOONER]),
        ([(0, 60)], [], [ComparisonOutcome.NOT_AT_ALL]),
        ([], [(0, 60)], [ComparisonOutcome.NEW]),
        ([(0, 60), (5_000, 5_060)], [(5_010, 5_060)], [ComparisonOutcome.NOT_AT_ALL, ComparisonOutcome.LATER]),
    ],
)
def test_two_policies_are_compared_page_by_page(
    now: list[tuple[int, int]], then: list[tuple[int, int]], outcomes: list[ComparisonOutcome]
) -> None:
    def made(times: list[tuple[int, int]]) -> list[BacktestPage]:
        return [
            BacktestPage(IncidentKind.OUTAGE, T0 + start * 1000, T0 + start * 1000, "", T0 + end * 1000)
            for start, end in times
        ]

    rows = compare(made(now), made(then))
    assert [row.outcome for row in rows] == outcomes


def test_a_regional_incident_is_not_taken_for_an_outage() -> None:
    outage = BacktestPage(IncidentKind.OUTAGE, T0, T0, "", T0 + 1)
    regional = BacktestPage(IncidentKind.REGIONAL, T0, T0, "", T0 + 1)
    assert [row.outcome for row in compare([outage], [regional])] == [
        ComparisonOutcome.NOT_AT_ALL,
        ComparisonOutcome.NEW,
    ]


@pytest.mark.django_db(transaction=True)
def test_the_command_lists_what_would_have_paged(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    import redis

    from probes.wire import encode
    from tests.vigil.history.stage import Stage
    from vigil.accounts.teams import default_team
    from vigil.cli import main
    from vigil.history.recording.intake import Intake, ReadPosition
    from vigil.history.recording.write import write
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    regions = {slug: Region.objects.create(slug=slug, domain=domain) for slug, domain in REGIONS.items()}
    fields = {"name": "shop", "kind": "http", "config": {"url": "https://example.com/"}}
    monitor = create_monitor(default_team(), {**fields, "regions": list(regions.values())})
    stage = Stage(redis.Redis.from_url(redis_url), monitor, regions)
    begin = stage.now_ms() - 40 * MINUTE
    intake, reaches = Intake({monitor.public_id: monitor.pk}), {}
    for place, region in enumerate(regions.values()):
        for minute in range(39):
            at_ms = begin + minute * MINUTE + place * 12_000
            down = 10 * MINUTE <= at_ms - begin < 10.9 * MINUTE
            status, why = (Status.DOWN, Reason.REFUSED) if down else (Status.UP, Reason.OK)
            intake.take(region.pk, f"{at_ms}-0", encode([stage.result(at_ms, status, why, 20_000)]), at_ms)
        reaches[region.pk] = ReadPosition(None, f"{at_ms}-0")
    write(intake, reaches)

    assert main(["replay", "--monitor", "shop", "--since", "2h", "--sensitivity", "high"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"outage +pages 10 s sooner +for \d+ s", said), said
    assert "195 checks" in said and "sensitivity normal" in said and "sensitivity high" in said
    assert main(["replay", "--monitor", monitor.public_id, "--since", "1d", "--sensitivity", "low", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["pages"]
    assert [(row["outcome"], row["then"]) for row in rows] == [("not at all", None)]
    for wrong in (
        ["--monitor", "nobody"],
        ["--monitor", "shop", "--since", "soon"],
        ["--monitor", "shop", "--without", "x"],
    ):
        assert main(["replay", *wrong]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
