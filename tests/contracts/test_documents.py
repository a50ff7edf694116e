"""The documents name files that exist, commands that exist, and are as short as promised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vigil.cli import COMMANDS
from vigil.cli.processes.run import PROCESSES

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(CHECKOUT).as_posix()
    for pattern in ("README.md", "deploy/README.md", "deploy/guide/*.md", ".github/*.md")
    for path in CHECKOUT.glob(pattern)
)
#: Written in a document by name, and made by its reader.
MADE_BY_READERS = {
    "deploy/.env",
    "deploy/vigil.env",
    "deploy/redis.acl",
    "deploy/ping-log.acl",
    "deploy/consensus.env",
    "deploy/regions/eu-west.env",
}
PLACEHOLDERS = ("NAME", "FOLDER", "*")
_PATH = re.compile(r"(?<![\w/.-])(?:probes|consensus|vigil|deploy|tests|\.github|\.ci)/[\w./*-]*[\w/*]|\.ci/run")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"manage\.py (?:run )?([a-z]+)")
#: Django's own, and what lists all of them.
OTHERS = {"help", "makemigrations", "migrate"}


def text_of(document: str) -> str:
    return (CHECKOUT / document).read_text()


def named_paths(document: str) -> Iterator[str]:
    for found in _PATH.findall(text_of(document)):
        if found not in MADE_BY_READERS and not any(word in found for word in PLACEHOLDERS):
            yield found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    assert [path for path in named_paths(document) if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_between_documents_leads_to_a_file(document: str) -> None:
    folder = (CHECKOUT / document).parent
    assert [link for link in _LINK.findall(text_of(document)) if not (folder / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_a_document_names_exists(document: str) -> None:
    known = COMMANDS.keys() | PROCESSES.keys() | OTHERS
    assert set(_COMMAND.findall(text_of(document))) - known == set()


def test_the_documents_are_found_and_name_paths() -> None:
    assert {"README.md", "deploy/README.md", ".github/CONTRIBUTING.md", "deploy/guide/glossary.md"} <= set(DOCUMENTS)
    assert "consensus/quorum.py" in set(named_paths("README.md"))


def test_the_page_for_contributors_stays_short() -> None:
    assert len(text_of(".github/CONTRIBUTING.md").splitlines()) <= 120
