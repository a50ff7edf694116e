"""The command `import` for a file: what it writes, what it prints, and its exit codes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from vigil.cli.errors import CommandError
from vigil.cli.monitors import importing

CONFIG = "endpoints:\n  - {name: shop, url: 'https://shop.example', conditions: ['[STATUS] == 200']}\n"
REFUSED = "  - {name: udp, url: 'udp://shop.example:53', conditions: ['[CONNECTED] == true']}\n"


def ran(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    importing.add(parser)
    return importing.run(parser.parse_args(list(map(str, words))))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def test_it_writes_vigil_yaml_and_says_what_became_of_everything(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("gatus", config) == 0
    assert "  shop:\n    http:\n" in Path("vigil.yaml").read_text()
    assert capsys.readouterr().out == "mapped  monitor shop\n\n1 mapped, 0 approximated, 0 refused\n"


def test_a_file_that_is_there_is_not_replaced_unasked(config: Path) -> None:
    Path("vigil.yaml").write_text("mine")
    with pytest.raises(CommandError, match="there already"):
        ran("gatus", config)
    assert Path("vigil.yaml").read_text() == "mine"
    assert ran("gatus", config, "--overwrite") == 0 and "shop" in Path("vigil.yaml").read_text()


def test_something_refused_is_exit_code_1_and_named_for_scripts(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(CONFIG + REFUSED)
    assert ran("gatus", config, "--dry-run", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["mapped"], told["refused"], told["items"][1]["name"]) == (1, 1, "udp")
    assert not Path("vigil.yaml").exists()


def test_the_tool_is_told_by_its_file_and_the_file_may_go_to_standard_output(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(config, "-o", "-") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("# Imported from gatus") and "1 mapped" in shown.err
    config.write_text("hello: 1\n")
    with pytest.raises(CommandError, match="which tool wrote it"):
        ran(config)
    with pytest.raises(CommandError, match="there is no file"):
        ran("no-such-tool")
