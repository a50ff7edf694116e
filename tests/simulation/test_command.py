"""`manage.py simulate`: figures that scripts can rely on, and a command that runs a broken world again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vigil.cli import main
from vigil.simulation.judges.rivals import RIVALS

PROMISED = {
    "checks", "checks_per_s", "false_per_monitor_year", "missed", "detect_mean_s", "detect_p95_s", "recover_p95_s",
    "invariant_breaks", "detect_hang_mean_s", "detect_hang_p95_s", "rules",
}  # fmt: skip


def simulated(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["simulate", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_figures_have_the_promised_names_and_repeat_by_their_seed(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = simulated(capsys, "--hours", "60", "--seed", "11")
    _, again = simulated(capsys, "--hours", "60", "--seed", "11")
    _, other = simulated(capsys, "--hours", "60", "--seed", "12")

    assert code == 0
    assert found.keys() >= PROMISED
    assert found["checks"] > 15_000 and found["checks_per_s"] > 0
    assert (found["missed"], found["invariant_breaks"], found["breaks"]) == (0, 0, [])
    assert set(found["rules"]) == set(RIVALS)
    assert all(
        theirs.keys() >= PROMISED - {"checks", "checks_per_s", "invariant_breaks", "rules"}
        for theirs in found["rules"].values()
    )
    assert {**found, "checks_per_s": 0} == {**again, "checks_per_s": 0} != {**other, "checks_per_s": 0}


def test_a_broken_invariant_is_printed_with_the_command_that_runs_its_world_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigil.incidents.core.lifecycle.RECOVERY_MS", 0)
    monkeypatch.setattr("vigil.incidents.core.lifecycle.RECOVERY_ROUNDS", 1)

    code, found = simulated(capsys, "--world", "noise", "--hours", "120", "--seed", "3")
    first = found["breaks"][0]
    words = first["replay"].split()
    assert code == 1
    assert words[:3] == ["python3", "manage.py", "simulate"]

    code, again = simulated(capsys, *words[3:])
    assert code == 1
    assert first in again["breaks"]


def test_a_wrong_question_is_answered_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--hours", "0"], ["--looks", "10,0"], ["--looks", "soon"], ["--only", "99"], ["--seed", "-1"]):
        assert main(["simulate", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_worlds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    assert "stress" in capsys.readouterr().out
