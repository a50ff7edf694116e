"""`validate` and `init` work without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vigil.cli import main
from vigil.cli.code.documents import SCHEMA_PATH
from vigil.local.folder import DataFolder, StoredState


def test_a_first_document_is_written_once_and_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vigil.yaml"
    assert main(["init", str(file)]) == 0
    assert file.read_text().startswith("# yaml-language-server: $schema=http")
    assert main(["validate", str(file)]) == 0
    assert "valid: project default: 1 channel, 1 monitor, 1 heartbeat, 1 route" in capsys.readouterr().out
    assert main(["init", str(file)]) == 2


@pytest.mark.parametrize(
    ("variables", "schema_at"),
    [
        pytest.param({}, "http://127.0.0.1:8123", id="where `up` of this machine serves its pages"),
        pytest.param({"VIGIL_URL": "https://v.test/"}, "https://v.test", id="the installation that is named"),
    ],
)
def test_a_first_document_names_the_schema_of_its_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], schema_at: str
) -> None:
    for name in ("VIGIL_URL", "VIGIL_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with DataFolder.claim(tmp_path / "data") as folder:
        folder.remember(StoredState(address="http://127.0.0.1:8123"))
    assert main(["init", str(tmp_path / "vigil.yaml"), "--data-dir", str(tmp_path / "data")]) == 0
    first = (tmp_path / "vigil.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema_at}{SCHEMA_PATH}"


def test_problems_are_lines_and_json_and_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vigil.yaml"
    file.write_text("version: 1\nmonitors:\n  a: {htp: {}}\n")
    assert main(["validate", str(file)]) == 1
    assert "vigil.yaml:3: monitors.a: unknown field 'htp': did you mean http?" in capsys.readouterr().out
    assert main(["validate", str(file), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["valid"] is False and shown["problems"][0]["line"] == 3


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--schema"]) == 0
    assert "monitors" in json.loads(capsys.readouterr().out)["properties"]
