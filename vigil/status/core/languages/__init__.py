"""Languages of status pages. A language is one file, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from vigil.status.core.languages.english import ENGLISH
from vigil.status.core.languages.german import GERMAN
from vigil.status.core.languages.words import PageWords

#: By tag (BCP 47).
LANGUAGES: Mapping[str, PageWords] = {
    "de": GERMAN,
    "en": ENGLISH,
}
DEFAULT = "en"
#: What a reader names a language by, in the query of an address.
ASKED = "lang"


def chosen_of(query: Mapping[str, str]) -> str:
    """The language that the query of an address names; empty for one that is not there."""
    asked = query.get(ASKED, "")
    return asked if asked in LANGUAGES else ""


def language_query(chosen: str) -> str:
    """The query that names a language; empty for none."""
    return f"?{ASKED}={chosen}" if chosen else ""


def words_of(tag: str) -> PageWords:
    """The words of a language; English for one that is not there, such as of a page that a newer version has made."""
    return LANGUAGES.get(tag, ENGLISH)
