"""Gatus: placeholders, labels, suites, mounted folders, manifests, and fields that a variable leaves open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.vigil.importers.imports import imported, planned, written
from tests.vigil.importers.test_gatus import CONFIG
from vigil.importers.core.report import ItemOutcome, SourceError
from vigil.importers.registry import source_of


def test_placeholders_of_a_body_are_filled_in_and_keys_that_are_sent_are_variables() -> None:
    url = "https://shop.example/"
    asked = {"name": "api", "group": "core", "url": url, "conditions": ["[STATUS] == 200"],
             "body": "[ENDPOINT_GROUP]/[ENDPOINT_NAME] [ENDPOINT_URL] [RANDOM_STRING_16]"}  # fmt: skip
    cache = {"name": "cache", "url": "tcp://cache.example:6379", "body": "AUTH obviously-fake",
             "conditions": ["[CONNECTED] == true"]}  # fmt: skip
    made = planned("gatus", {"endpoints": [asked, cache]})
    assert made.document["monitors"]["core-api"]["http"]["body"] == f"core/api {url} random"
    assert "random text" in made.why("core/api")
    assert made.document["monitors"]["cache"]["tcp"]["send"] == "${env:CACHE_SEND}"


def test_labels_are_tags_and_a_suite_says_when_its_steps_run() -> None:
    step = {"name": "login", "url": "https://shop.example/", "conditions": ["[STATUS] == 200"],
            "extra-labels": {"team": "core"}}  # fmt: skip
    made = planned("gatus", {"suites": [{"name": "buy", "enabled": False, "endpoints": [step]}]})
    entry = made.document["monitors"]["buy-login"]
    assert (entry["interval"], entry["paused"], entry["tags"]) == ("10m", True, ["team:core"])


def test_the_services_of_another_tool_are_no_endpoints(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no Gatus configuration"):
        imported("gatus", written(tmp_path, "services: {web: {image: nginx}}"))


def test_a_mounted_folder_holds_each_file_once(tmp_path: Path) -> None:
    written(tmp_path, CONFIG, "..2026_11_29/config.yaml")
    (tmp_path / "..data").symlink_to("..2026_11_29")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    once = imported("gatus", written(tmp_path / "plain", CONFIG).parent)
    assert imported("gatus", tmp_path / "config.yaml").document == once.document
    shutil.rmtree(tmp_path / "plain")
    assert imported("gatus", tmp_path).document == once.document


def test_a_manifest_with_the_configuration_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    inside = "".join(f"    {line}\n" for line in CONFIG.splitlines())
    manifest = f"kind: ConfigMap\ndata:\n  config.yaml: |\n{inside}---\nkind: Service\n"
    assert source_of(written(tmp_path, manifest, "gatus.yaml")) == "gatus"


def test_a_variable_where_a_number_has_to_be_is_never_taken_for_the_usual_one_without_a_word() -> None:
    checked = {"url": "https://${HOST}:${PORT}/", "conditions": ["[STATUS] == 200"]}
    made = planned("gatus", {
        "endpoints": [
            checked | {"name": "typed", "interval": "${EVERY}", "client": {"timeout": "${LIMIT}"}},
            checked | {"name": "code", "conditions": ["[STATUS] == ${CODE}"]},
            checked | {"name": "port", "url": "tcp://${HOST}:${PORT}"},
            checked | {"name": "scheme", "url": "${SCHEME}://x.example"},
        ],
        "maintenance": {"start": "23:00", "duration": "1h", "timezone": "${TZ}"},
    })  # fmt: skip
    assert "interval, client.timeout: known by a variable alone" in made.why("typed")
    for name, why in (("code", "write the number in"), ("port", "the port"), ("scheme", "scheme"), ("all", "variable")):
        assert made.item(name).outcome is ItemOutcome.REFUSED and why in made.why(name)
    assert made.document["monitors"]["typed"]["http"]["url"] == "https://${env:HOST}:${env:PORT}/"


@pytest.mark.parametrize("place", ["config: {}", "spec: {{values: {{config: {}}}}}"])
def test_the_values_of_a_chart_hold_the_configuration(tmp_path: Path, place: str) -> None:
    endpoints = "{endpoints: [{name: a, url: 'https://a.example', conditions: ['[STATUS] == 200']}]}"
    path = written(tmp_path, place.format(endpoints), "values.yaml")
    assert source_of(path) == "gatus" and set(imported("gatus", path).document["monitors"]) == {"a"}


def test_a_variable_in_a_note_that_is_cut_or_quoted_is_shown_by_its_name() -> None:
    url = "${" + "A" * 45 + "}x://a.example"
    record = {"query-name": "a.example", "query-type": "${TYPE}"}
    conditions = ["[CONNECTED] == true"]
    made = planned("gatus", {"endpoints": [
        {"name": "scheme", "url": url.replace("${", "x${"), "conditions": conditions},
        {"name": "record", "url": "192.0.2.1", "dns": record, "conditions": conditions},
        {"name": "resolver", "url": "dns-${ZONE}.example", "dns": {"query-name": "a.example"},
         "conditions": conditions},
    ]})  # fmt: skip
    said = str(made.report.as_json()) + made.text
    assert "ufdd" not in ascii(said) and "dns-$ZONE.example" in made.why("resolver")
