"""The page of threats: each who of the threat model is on it, with tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contracts.test_findings import names

PAGE = (Path(__file__).resolve().parents[2] / "deploy" / "guide" / "threats.md").read_text()
SECTIONS = dict(re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE))
WHO = {
    "A target",
    "A region",
    "A job",
    "A receiver",
    "Another system",
    "An assistant",
    "A user",
    "A holder of Redis' password",
    "A holder of a database dump",
}
PARTS = ["Has", "At most", "Stopped by", "Proof"]
_PART = re.compile(r"(?m)^\*([^*]+)\*: ")
_TEST = re.compile(r"`(test_\w+)`")


def test_each_who_is_on_the_page() -> None:
    assert SECTIONS.keys() == WHO


@pytest.mark.parametrize("who", sorted(WHO))
def test_each_says_what_it_can_do_what_stops_it_and_which_tests_prove_that(who: str) -> None:
    assert _PART.findall(SECTIONS[who]) == PARTS
    assert _TEST.findall(SECTIONS[who].partition("*Proof*: ")[2])


def test_every_test_that_the_page_names_exists() -> None:
    assert set(_TEST.findall(PAGE)) - set(names()) == set()


def test_the_page_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 120
