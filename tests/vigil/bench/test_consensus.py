"""The benchmark of consensus runs the real service, and reports what it was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vigil.bench.consensus import BUDGETS, ConsensusLoad, measure
from vigil.bench.report import render
from vigil.cli import main


def test_every_result_is_read_and_every_number_is_there(tmp_path: Path) -> None:
    report = measure(tmp_path, ConsensusLoad(monitors=300, regions=2, turns=1))

    assert (report["results"], report["series"]) == (600, 600)
    assert report.keys() >= BUDGETS.keys()
    assert report["results_per_s"] > 0
    assert "(at least 100,000" in render(report, BUDGETS)


def test_a_load_that_makes_no_sense_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "consensus", "--regions", "0"]) == 2
    assert "--regions 1 to 20" in capsys.readouterr().err
