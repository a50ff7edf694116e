"""Every command teaches itself."""

from __future__ import annotations

import importlib

import pytest

from vigil.cli import COMMANDS, main


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
