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


def words_of(tag: str) -> PageWords:
    """The words of a language; English for one that is not there, such as of a page that a newer version has made."""
    return LANGUAGES.get(tag, ENGLISH)
