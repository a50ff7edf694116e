"""Files that no tool would write: each ends in one line that says why not, within its bounds."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.vigil.importers.imports import imported, planned, written
from tests.vigil.importers.kuma_databases import database
from vigil.importers import files
from vigil.importers.core.report import SourceError
from vigil.importers.registry import IMPORTERS, source_of

OF_YAML = ("gatus", "prometheus", "upptime", "litellm")
SITE = {"id": 1, "name": "Shop", "type": "http", "url": "https://shop.example/"}


@pytest.mark.parametrize("source", OF_YAML)
@pytest.mark.parametrize(
    "content",
    ["[" * 200_000, "- " * 100_000 + "a", "sites: !!timestamp soon", "sites: !!bool maybe", "sites: !!binary '%'",
     "a: &a [*a]", "sites: 42\n---\nsites: 43"],
    ids=["depth", "block depth", "timestamp", "flag", "binary", "recursion", "two documents"],
)  # fmt: skip
def test_a_text_that_no_parser_should_take_ends_in_one_line(tmp_path: Path, source: str, content: str) -> None:
    path = written(tmp_path, content)
    for read in (lambda: imported(source, path), lambda: source_of(path)):
        with pytest.raises(SourceError) as refused:
            read()
        assert "\n" not in str(refused.value)


def test_a_text_with_more_values_than_any_configuration_is_not_composed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_VALUES_MOST", 50)
    with pytest.raises(SourceError, match="more values"):
        imported("gatus", written(tmp_path, f"endpoints: [{'{}, ' * 60}]"))


def test_the_first_of_two_documents_of_upptime_counts(tmp_path: Path) -> None:
    sites = "sites: [{name: a, url: 'https://a.example'}]\n"
    assert list(imported("upptime", written(tmp_path, f"{sites}---\n{sites}")).document["monitors"]) == ["a"]


@pytest.mark.parametrize("source", IMPORTERS)
def test_a_pipe_is_not_waited_for(tmp_path: Path, source: str) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(SourceError, match="is not a file"):
        imported(source, tmp_path / "config.yaml")


@pytest.mark.parametrize("values", [None, [1], "x", 3])
def test_a_document_of_no_tool_is_told_as_such_whatever_its_values(tmp_path: Path, values: object) -> None:
    keys = ("values", "endpoints", "services", "suites", "sites", "monitorList", "data", "scrape_configs", "model_list")
    path = written(tmp_path, json.dumps(dict.fromkeys(keys, values)), "x.json")
    with pytest.raises(SourceError, match="does not say which tool"):
        source_of(path)


def test_a_database_is_told_by_its_head_however_large_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(tmp_path / "kuma.db", "2.4", [SITE])
    monkeypatch.setattr(files, "SIZE_MOST", 100)
    assert source_of(path) == "uptime-kuma"


def test_a_schema_that_is_no_text_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "kuma.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE monitor (id INTEGER PRIMARY KEY AUTOINCREMENT, name, type, url)")
    made.close()
    path.write_bytes(path.read_bytes().replace(b"AUTOINCREMENT", b"AU\xffOINCREMENT"))
    with pytest.raises(SourceError, match="damaged"):
        imported("uptime-kuma", path)


def test_rows_whose_ids_are_missing_or_taken_are_all_there() -> None:
    rows = [SITE, SITE | {"name": "same id"}, SITE | {"id": "x", "name": "no id"}, SITE | {"id": 10**18, "name": "far"}]
    made = planned("uptime-kuma", {"monitorList": rows})
    assert {item.name for item in made.report.items} == {"Shop", "same id", "no id", "far"}


def test_a_folder_with_more_files_than_any_configuration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ENTRIES_MOST", 3)
    for number in range(5):
        written(tmp_path, "{}", f"{number}.yaml")
    with pytest.raises(SourceError, match="name the one to import"):
        imported("gatus", tmp_path)
