"""Files of a document, and the values of its references."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vigil.code.core.tree import DocumentError
from vigil.code.load import load, values_of

MONITOR = 'version: 1\nmonitors: {a: {http: {url: "https://${env:HOST}/"}, secrets: {bearer: "${file:keys/a}"}}}\n'


def test_references_are_read_from_the_environment_and_from_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "vigil.yaml").write_text(MONITOR)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a").write_text("s3cret\n")
    values, problems = values_of(load(tmp_path / "vigil.yaml"), {"HOST": "h.example"})
    assert (values, problems) == ({"env:HOST": "h.example", "file:keys/a": "s3cret"}, [])


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "link", "missing", "keys"])
def test_a_file_outside_the_folder_is_never_read(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "repository"
    (folder / "keys").mkdir(parents=True)
    (tmp_path / "outside").write_text("s3cret")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "vigil.yaml").write_text(MONITOR.replace("keys/a", path))
    values, problems = values_of(load(folder / "vigil.yaml"), {"HOST": "h.example"})
    assert values == {"env:HOST": "h.example"}
    assert [str(one.place) for one in problems] == ["vigil.yaml:2"]
    assert "s3cret" not in str(problems)


def test_a_folder_is_read_in_the_order_of_names_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('[monitors.b.tcp]\nhost = "h.example"\nport = 1\n')
    (tmp_path / "a.json").write_text('{"version": 1}')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "c.yaml").write_text("nonsense: 1")
    assert load(tmp_path).tree.bare() == {"version": 1, "monitors": {"b": {"tcp": {"host": "h.example", "port": 1}}}}


def test_a_missing_or_unreadable_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    for name, words in (("none.yaml", "no such file"), ("latin.yaml", "not UTF-8"), ("", "not UTF-8")):
        with pytest.raises(DocumentError, match=words):
            load(tmp_path / name)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "vigil.yaml")
    with pytest.raises(DocumentError, match="no regular file"):
        load(tmp_path / "vigil.yaml")


def test_a_folder_that_holds_too_much_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigil.code.load.NAMES_MOST", 3)
    for name in ("a.yaml", "b.txt", "c.txt"):
        (tmp_path / name).write_text("version: 1\n")
    assert load(tmp_path).files == (tmp_path / "a.yaml",)
    (tmp_path / "d").mkdir()
    with pytest.raises(DocumentError, match="more than 3 files"):
        load(tmp_path)
