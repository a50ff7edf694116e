"""What is written about channels is what there is: in the docs page, for every kind and what it must be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from vigil.alerts.channel_settings import KindReference, pages

DOCS = (Path(__file__).parents[3] / "deploy" / "guide" / "channels.md").read_text()
#: Made by the installation for itself; no member chooses it.
OURS = {"loopback"}


@pytest.mark.parametrize("page", [page for page in pages() if page.kind not in OURS], ids=lambda page: page.kind)
def test_the_docs_have_every_kind_and_what_it_must_be_given(page: KindReference) -> None:
    (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| `{page.kind}` |")]
    for setting in (*page.config, *page.secrets):
        # A webhook's secret is made for it.
        if setting.needed and page.kind != "webhook":
            assert f"`{setting.name}`" in row or setting.name == "url", setting.name


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.kind)
def test_every_kind_says_of_itself_what_it_is(page: KindReference) -> None:
    assert page.name and page.words
    assert all(setting.words for setting in (*page.config, *page.secrets))
