"""Memory slopes: of lives that are long enough, without their warm-up, and whatever a few samples say."""

from __future__ import annotations

import pytest

from vigil.bench.soak.slopes import MemorySample, memory_of, unmeasured

EVERY_S = 30


def life(name: str, minutes: int, mib_per_h: float, begin_s: float = 0.0) -> list[MemorySample]:
    """A life whose memory doubles while it warms up, and then grows by so much."""
    found = []
    for at_s in range(0, minutes * 60 + 1, EVERY_S):
        warming = min(1.0, 0.5 + at_s / 1_200)
        grown = max(0, at_s - 600) / 3600 * mib_per_h
        found.append(MemorySample("ingest", name, begin_s + at_s, int((100 * warming + grown) * 1024)))
    return found


@pytest.mark.parametrize(("rate", "grows"), [(0.0, False), (1.5, False), (2.5, True), (-9.0, False)])
def test_a_process_that_grows_by_more_than_two_mib_an_hour_grows(rate: float, grows: bool) -> None:
    (found,) = memory_of(life("1", 60, rate))
    assert found.mib_per_h == pytest.approx(rate, abs=0.1)
    assert found.grows is grows


def test_a_life_shorter_than_the_warm_up_and_a_quarter_of_an_hour_counts_for_nothing() -> None:
    (found,) = memory_of([*life("1", 24, 50), *life("2", 10, 50, begin_s=5_000)])
    assert (found.lives, found.counted, found.mib_per_h, found.grows) == (2, 0, None, False)
    assert found.longest_min == 24


def test_what_one_life_held_is_not_compared_with_the_next() -> None:
    later = [MemorySample("ingest", "2", one.at_s, one.kib * 3) for one in life("2", 60, 0, begin_s=9_000)]
    (found,) = memory_of([*life("1", 60, 0), *later])
    assert (found.lives, found.counted, found.mib_per_h) == (2, 2, 0.0)


def test_a_few_samples_of_anything_move_nothing() -> None:
    samples = life("1", 60, 0)
    odd = [MemorySample("ingest", "1", one.at_s, one.kib * 9) if n % 5 == 0 else one for n, one in enumerate(samples)]
    (found,) = memory_of(odd)
    assert found.mib_per_h == 0.0


def test_each_role_has_a_line() -> None:
    other = [MemorySample("web", "9", one.at_s, 1024) for one in life("9", 30, 0)]
    assert [one.role for one in memory_of([*other, *life("1", 30, 0)])] == ["ingest", "web"]


@pytest.mark.parametrize(("minutes", "roles"), [(30, ["web"]), (28, [])])
def test_in_a_run_of_half_an_hour_each_role_has_to_have_a_figure(minutes: int, roles: list[str]) -> None:
    killed = [MemorySample("web", str(at_s // 600), at_s, 1024) for at_s in range(0, minutes * 60, EVERY_S)]
    assert unmeasured([*killed, *life("1", minutes, 0)]) == roles
    assert unmeasured([]) == []
