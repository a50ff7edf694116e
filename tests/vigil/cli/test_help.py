"""Every command teaches itself."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vigil.cli import COMMANDS, main
from vigil.cli.processes.run import PROCESSES


def test_help_lists_every_command_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown and summary in shown for name, (_, summary) in COMMANDS.items())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert f"manage.py {name}" in shown
    assert len((importlib.import_module(COMMANDS[name][0]).__doc__ or "").split()) > 5


@pytest.mark.parametrize("alias", [[], ["run"]])
@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_process_explains_itself_under_both_its_names(
    name: str, alias: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*alias, name, "--help"])
    shown = capsys.readouterr().out
    assert f"manage.py run {name}" in shown
    assert PROCESSES[name].summary in shown and PROCESSES[name].description.splitlines()[0] in shown


def test_run_lists_its_processes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["run", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {process.summary}" in shown for name, process in PROCESSES.items())


def test_help_lists_the_processes_once_under_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    shown = capsys.readouterr().out
    assert not [name for name in PROCESSES if f"\n  {name} " in shown]


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", "vigil.cli", "help"]
    try:
        ended = subprocess.run(command, env=env, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")
