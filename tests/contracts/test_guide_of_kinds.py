"""The guide says of every kind and every preset what it sees and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.presets import CATALOGUE
from probes.probers import PROBERS

GUIDE = Path(__file__).resolve().parents[2] / "deploy/guide/kinds.md"
ROWS = {
    cells[0]: cells
    for line in GUIDE.read_text().splitlines()
    if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 3
}


@pytest.mark.parametrize("name", sorted({*PROBERS, *CATALOGUE}))
def test_every_kind_and_preset_says_what_it_sees_and_what_it_does_not(name: str) -> None:
    _, sees, misses = ROWS[name]
    assert len(sees) > 10
    assert len(misses) > 10


@pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - PROBERS.keys()))
def test_the_guide_and_the_preset_promise_the_same(name: str) -> None:
    assert ROWS[name][1] == CATALOGUE[name].says


def test_the_guide_names_nothing_that_is_gone() -> None:
    assert ROWS.keys() <= {"kind", "preset", "---", *PROBERS, *CATALOGUE}
