"""Every language of a page has every word, with the same names in it, and its own dates and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.vigil.status.facts import FRAME, NOW, component, down_for, incident, page
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.answer import FileRequest, answer_of
from vigil.status.core.document import PublishedPage, project
from vigil.status.core.languages import LANGUAGES, words_of
from vigil.status.core.languages.english import ENGLISH
from vigil.status.core.states import PublicState, UpdateState
from vigil.status.public_incidents.core.first_words import spread_text, text_of, title_of

_FORMS = {"date_form", "day_form", "moment_form", "decimal", "tag", "name", "months"}


def sentences(words: Any) -> Iterator[tuple[str, str]]:
    """Every text of a language under the name of its field, and of its key."""
    for one in fields(words):
        value = getattr(words, one.name)
        if isinstance(value, str):
            yield one.name, value
        elif isinstance(value, Mapping):
            for key, text in value.items():
                parts = [text] if isinstance(text, str) else text
                yield from ((f"{one.name}.{key}.{place}", part) for place, part in enumerate(parts))
        elif is_dataclass(value):
            yield from ((f"{one.name}.{name}", text) for name, text in sentences(value))


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_language_has_every_sentence_with_the_names_that_english_has(tag: str) -> None:
    words, english = dict(sentences(LANGUAGES[tag])), dict(sentences(ENGLISH))
    assert words.keys() == english.keys() and all(text.strip() == text != "" for text in words.values())
    for key, text in words.items():
        if key not in _FORMS:
            named, wanted = (set(re.findall(r"\{(\w*)\}", each)) for each in (text, english[key]))
            # "1 of" needs no number.
            assert named == wanted, key
    assert LANGUAGES[tag].tag == tag and len(set(LANGUAGES[tag].months)) == 12
    assert set(LANGUAGES[tag].states) == set(PublicState) and set(LANGUAGES[tag].updates) == set(UpdateState)


def test_no_sentence_of_another_language_was_left_in_english() -> None:
    english = dict(sentences(ENGLISH))
    same = {key for key, text in sentences(LANGUAGES["de"]) if text == english[key]}
    # Names of things.
    names = {f"subscribing.kinds.{kind}.0" for kind in ("webhook", "slack")}
    assert same <= {"day_form", "date_form", "moment_form"} | names


def test_a_page_is_in_its_language_in_every_file_for_people() -> None:
    chat = down_for(component("Chat", ShownState.DOWN), timedelta(hours=1))
    console = component("Konsole", position=1)
    facts = page(chat, console, language="de", incidents=[incident(UpdateState.IDENTIFIED)])
    found = project(facts, FRAME)
    seen = found.files[""].plain.decode()
    assert '<html lang="de">' in seen and "<h1><bdi>Chat ist ausgefallen</bdi></h1>" in seen
    assert "1 von 2 Diensten ist betroffen. Geändert am <time" in seen and ">29. Nov. 2026, 14:09</time> UTC." in seen
    assert re.search(r"99,9\d\u202f% verfügbar", seen) and "Ursache gefunden" in seen and "Teilweise" not in seen
    english = [text for _, text in sentences(ENGLISH) if len(text) > 8 and "{" not in text and not text.islower()]
    for path in ("", "index.md", "history.atom", "badge.svg", "embed.html"):
        text = found.files[path].plain.decode()
        assert [one for one in english if one in text] == [], path
    # Words for machines stay as they are.
    summary = found.files["api/v2/summary.json"].plain.decode()
    assert '"indicator":"critical"' in summary and '"identified"' in summary and "Chat ist ausgefallen" in summary


def test_a_page_says_in_its_language_that_it_is_old() -> None:
    found = project(page(language="de"), FRAME)
    for path in ("", "index.md", "api/v2/status.json"):
        old = answer_of(found, FileRequest(path), NOW + timedelta(minutes=4))
        assert old is not None and "Zuletzt aktualisiert am 29. Nov. 2026, 14:09 UTC." in old[2].decode()
    badge = answer_of(found, FileRequest("badge.svg"), NOW + timedelta(minutes=4))
    assert badge is not None and "keine Nachricht" in badge[2].decode()


def test_dates_and_numbers_have_the_form_of_the_language() -> None:
    at = datetime(2026, 3, 5, 7, 9, tzinfo=UTC)
    german = LANGUAGES["de"]
    assert (german.date(at), german.day(at), german.moment(at)) == ("5. März 2026", "5. März", "5. März 2026, 07:09")
    assert (ENGLISH.moment(at), ENGLISH.percent(0.9994)) == ("5 Mar 2026 07:09", "99.94\u202f%")
    assert (german.percent(0.9994), german.percent(1)) == ("99,94\u202f%", "100\u202f%")
    assert words_of("xx") is ENGLISH and replace(page(), language="xx").words is ENGLISH


def test_texts_that_nobody_wrote_are_in_the_language_of_the_page() -> None:
    german, names = LANGUAGES["de"], [f"API {number}" for number in range(23)]
    assert title_of(names[:2], german) == "Störung: API 0 und API 1"
    assert text_of(UpdateState.RESOLVED, names, german) == "Die Störung (einige Dienste) ist behoben."
    assert text_of(UpdateState.MONITORING, [], ENGLISH) == "Our services should work again. We keep watching."
    assert spread_text(names, german).endswith("API 19, und 3 weitere.")
    assert german.first.maintenance[UpdateState.COMPLETED] == "Die geplante Wartung ist abgeschlossen."


#: A page of a German team, whose readers may choose.
_CHOICE = replace(FRAME, languages=tuple(LANGUAGES))


def read(found: PublishedPage, path: str, language: str, now: datetime = NOW) -> tuple[str, str]:
    """What a reader who chose a language gets: the tag and the text."""
    answer = answer_of(found, FileRequest(path, language=language), now)
    assert answer is not None and answer[0] == 200
    return dict(answer[1])["ETag"], answer[2].decode()


def test_a_reader_chooses_the_language_and_keeps_it_from_page_to_page() -> None:
    found = project(page(language="de", incidents=[incident()]), _CHOICE)
    (own_tag, own), (tag, chosen) = read(found, "", ""), read(found, "", "en")
    assert '<html lang="de">' in own and '<html lang="en">' in chosen and own_tag != tag
    assert 'lang=en" hreflang="en" lang="en">English</a>' in own and ">Deutsch</a>" in chosen
    links = {one.partition("#")[0] for one in re.findall(rf'<a [^>]*href="{FRAME.address}([^"]*)"', chosen)}
    people = {"?lang=en", "?lang=de", "/history?lang=en", "/incidents/pin_1?lang=en", "/index.md?lang=en"}
    assert links == people | {"/api/v2/summary.json", "/history.atom"}
    assert 'data-month="?lang=en"' in chosen and "?lang" not in re.sub(r"<a [^>]*hreflang.*?</a>", "", own)
    assert "Investigating" in read(found, "incidents/pin_1", "en")[1]


def test_a_language_that_is_not_there_or_the_own_one_is_the_page_itself() -> None:
    found = project(page(language="de"), _CHOICE)
    for path in ("", "index.md", "api/v2/summary.json", "history.rss", "badge.svg"):
        assert read(found, path, "") == read(found, path, "de") == read(found, path, "xx")
    # What programs read is one, whatever its reader chose.
    assert read(found, "api/v2/summary.json", "en") == read(found, "api/v2/summary.json", "")
    assert set(found.in_languages) == {"en"} and project(page(language="de"), FRAME).in_languages == {}


def test_a_page_says_in_the_language_that_was_chosen_that_it_is_old() -> None:
    found = project(page(language="de"), _CHOICE)
    for path in ("", "index.md"):
        assert "Newer facts may be missing." in read(found, path, "en", NOW + timedelta(minutes=4))[1]


def test_what_was_packed_in_another_language_is_packed_once() -> None:
    first = project(page(language="de"), _CHOICE)
    again = project(page(language="de", now=NOW + timedelta(seconds=20)), _CHOICE, first)
    assert again.in_languages["en"][""] is first.in_languages["en"][""]
