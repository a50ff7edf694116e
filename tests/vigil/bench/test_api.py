"""The benchmark of the API refuses what makes no sense."""

from __future__ import annotations

import pytest

from vigil.cli import main


def test_a_load_that_makes_no_sense_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "api", "--posts", "0"]) == 2
    assert "--posts 2 to 10000" in capsys.readouterr().err
