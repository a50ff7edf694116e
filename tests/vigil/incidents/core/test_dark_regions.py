"""A region is dark when it is silent for long, and never because we ourselves were away."""

from __future__ import annotations

from vigil.incidents.core.dark_regions import DARK_AFTER_S, PATIENCE_S, Darkness

REGIONS = ("eu-west", "us-east")


def listen(darkness: Darkness, alive: tuple[str, ...], start_s: float, end_s: float) -> frozenset[str]:
    dark: frozenset[str] = frozenset()
    at_s = start_s
    while at_s <= end_s:
        dark = darkness.dark(REGIONS, alive, at_s)
        at_s += 5.0
    return dark


def test_a_region_that_falls_silent_is_dark_soon() -> None:
    darkness = Darkness(0.0)
    assert listen(darkness, REGIONS, 0, 100) == frozenset()

    assert listen(darkness, ("eu-west",), 105, 110) == frozenset()
    assert listen(darkness, ("eu-west",), 115, 100 + DARK_AFTER_S) == {"us-east"}


def test_a_region_that_was_never_heard_has_time_to_start() -> None:
    darkness = Darkness(0.0)

    assert listen(darkness, ("eu-west",), 0, PATIENCE_S - 5) == frozenset()
    assert listen(darkness, ("eu-west",), PATIENCE_S, PATIENCE_S + 5) == {"us-east"}


def test_nobody_is_dark_because_we_were_away() -> None:
    darkness = Darkness(0.0)
    listen(darkness, REGIONS, 0, 100)

    assert darkness.dark(REGIONS, (), 400.0) == frozenset()
