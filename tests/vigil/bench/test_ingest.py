"""The benchmark of ingest lays verdicts that can be admitted, and refuses what makes no sense."""

from __future__ import annotations

import pytest

from consensus.admission import admit_verdict
from probes.reasons import Status
from vigil.bench.ingest import REGIONS, verdict
from vigil.cli import main


@pytest.mark.parametrize(("is_down", "status"), [(True, Status.DOWN), (False, Status.UP)])
@pytest.mark.parametrize("in_full", [True, False])
def test_a_verdict_of_all_regions_is_laid(is_down: bool, status: Status, in_full: bool) -> None:
    read = admit_verdict(verdict("mon_1", 1_700_000_000_000, is_down, in_full))
    assert (read.status, len(read.votes), bool(read.votes[0].detail)) == (status, REGIONS, in_full)


def test_a_load_that_makes_no_sense_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ingest", "--turns", "0"]) == 2
    assert "--turns 1 to 20" in capsys.readouterr().err
