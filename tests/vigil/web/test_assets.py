"""Bundles are what their digests say, small, and free of what the content policy forbids."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest
from django.test import Client

from vigil.web import assets

#: Libraries as they were published, unchanged: htmx.org 4.0.1 (0BSD) and uPlot 1.6.32 (MIT).
VENDORED = {
    "htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "uplot-1.6.32.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot-1.6.32.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
TEMPLATES = Path(assets.__file__).parent / "templates" / "web"


def test_vendored_libraries_are_the_published_files_with_their_licences() -> None:
    folder = assets.FOLDER / "vendor"
    assert {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in VENDORED} == VENDORED
    assert {"htmx-LICENSE.txt", "uplot-LICENSE.txt"} < {file.name for file in folder.iterdir()}


def test_a_bundle_is_kept_for_a_year_and_sent_as_the_browser_takes_it_best(client: Client) -> None:
    address = assets.address_of("vigil.css")
    plain = client.get(address)
    assert plain.status_code == 200 and "immutable" in plain["Cache-Control"] and "Content-Encoding" not in plain
    zipped = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(zipped.content) == plain.content and zipped["Vary"] == "Accept-Encoding"
    assert client.get(address, headers={"Accept-Encoding": "gzip, br"})["Content-Encoding"] == "br"
    assert client.get(address, headers={"Accept-Encoding": "br;q=0, gzip"})["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("name", ["vigil.000000000000.css", "vigil.css", "settings.py", "..%2Fassets.py"])
def test_nothing_but_the_bundles_of_this_release_is_served(client: Client, name: str) -> None:
    assert client.get(f"/assets/{name}").status_code == 404


def test_scripts_and_styles_keep_their_budgets() -> None:
    sizes = {name: len(assets.bundle(name).brotlied) for name in assets.BUNDLES}
    assert sizes["vigil.js"] <= 9_000 and len(assets.BUNDLES["vigil.js"]) <= 8
    assert sizes["vigil.css"] <= 7_500 and sizes["icons.svg"] <= 2_000
    assert sizes["forms.css"] <= 2_000 and sizes["forms.js"] <= 1_000
    assert sizes["htmx.js"] <= 13_500 and sizes["chart.js"] + sizes["chart.css"] <= 26_000


def test_own_scripts_need_nothing_that_the_content_policy_forbids() -> None:
    for file in (assets.FOLDER / "modules").glob("*.js"):
        assert not re.search(r"\beval\(|new Function|innerHTML|setAttribute\(\"style|document\.write", file.read_text())


def test_no_template_holds_inline_styles_or_scripts() -> None:
    forbidden = re.compile(r"\sstyle=|<style|<script(?![^>]*\bsrc=)|\son[a-z]+=|hx-on|js:|javascript:")
    pages = [file for file in TEMPLATES.rglob("*.html") if "admin" not in file.parts]
    assert len(pages) > 20
    assert [(file.name, found.group()) for file in pages if (found := forbidden.search(file.read_text()))] == []
