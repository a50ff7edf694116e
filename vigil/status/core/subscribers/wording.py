"""What letters to subscribers say: subject, lines, and the page's own words and public names alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from vigil.alerts.wording.fitting import cut, one_line
from vigil.status.core.incidents.cards import incident_path
from vigil.status.core.languages.english import ENGLISH
from vigil.status.core.languages.words import PageWords
from vigil.status.core.prose import public_markdown
from vigil.status.core.states import UpdateState

SUBJECT_MOST = 200


@dataclass(frozen=True, slots=True)
class ToldUpdate:
    """A public update as it is told: ids and words of it, its incident and its page."""

    id: str
    incident: str
    title: str
    impact: str
    state: str
    text: str
    at: datetime
    started_at: datetime
    resolved_at: datetime | None
    components: Sequence[tuple[str, str]]
    #: Start and end of planned maintenance.
    planned: tuple[datetime, datetime] | None = None

    def named_state(self, words: PageWords) -> str:
        """Its state, such as "In progress"."""
        return words.updates[UpdateState(self.state)]

    def facts(self, words: PageWords) -> list[str]:
        """Its state and time, what it affects, and when it is planned, a line each."""
        found = [words.letters.state_at.format(state=self.named_state(words), time=words.moment(self.at))]
        if self.planned is not None:
            start, end = (f"{words.moment(at)} UTC" for at in self.planned)
            found.append(words.planned_from_to.format(start=start, end=end))
        if self.components:
            found.append(words.affects.format(names=", ".join(name for _, name in self.components)))
        return found


@dataclass(frozen=True, slots=True)
class ToldPage:
    """The page that tells, what it links to, and its language."""

    id: str
    title: str
    address: str
    indicator: str = "none"
    words: PageWords = ENGLISH


@dataclass(frozen=True, slots=True)
class SubscriberLinks:
    """Links of one subscriber."""

    manage: str
    unsubscribe: str
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    """A letter as text and as HTML."""

    subject: str
    text: str
    html: str


def update_letter(page: ToldPage, update: ToldUpdate, links: SubscriberLinks) -> WrittenLetter:
    """An update of a public incident."""
    words = page.words.letters
    said = _Said(
        f"{update.named_state(page.words)}: {update.title}", update.title, update.facts(page.words), update.text
    )
    incident = f"{page.address}/{incident_path(update.incident)}"
    foot = [(words.why.format(title=page.title), ""), *_own_links(page, links)]
    return _letter(page, said, [(words.status_page, incident)], foot)


def confirm_letter(page: ToldPage, links: SubscriberLinks) -> WrittenLetter:
    """The question whether an address wants to be told."""
    words = page.words.letters
    said = _Said(
        words.confirm_subject, words.confirm_title.format(title=page.title), [words.confirm_text, words.confirm_nothing]
    )
    return _letter(page, said, [(words.confirm, links.confirm), (words.status_page, page.address)])


def manage_letter(page: ToldPage, links: SubscriberLinks) -> WrittenLetter:
    """The link to one's subscription, for an address that asked again."""
    words = page.words.letters
    said = _Said(words.known_subject, words.known_title.format(title=page.title), [words.known_text])
    return _letter(page, said, [(words.status_page, page.address), *_own_links(page, links)])


Links = Sequence[tuple[str, str]]
#: Without a colour, so that it is dark where its reader's mail is; nothing in it is asked for elsewhere.
_HEAD = (
    '<!doctype html>\n<html lang="{tag}">\n<head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    "<title>{subject}</title></head>\n"
    '<body dir="auto" style="font:16px/1.5 system-ui,sans-serif;max-width:40em">\n'
)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a letter says: the end of its subject, its heading, plain lines, and a team's text in Markdown."""

    subject: str
    heading: str
    lines: Sequence[str]
    text: str = ""


def _own_links(page: ToldPage, links: SubscriberLinks) -> Links:
    words = page.words
    return [(words.letters.choose, links.manage), (words.subscribing.unsubscribe, links.unsubscribe)]


def _letter(page: ToldPage, said: _Said, links: Links, foot: Links = ()) -> WrittenLetter:
    subject = cut(one_line(f"[{page.title}] {said.subject}"), SUBJECT_MOST)
    text = [said.heading, "", *said.lines, "", *([*said.text.splitlines(), ""] if said.text else [])]
    text += [*map(_plain, links), *(["", "-- ", *map(_plain, foot)] if foot else [])]
    html = [
        _HEAD.format(tag=page.words.tag, subject=escape(subject)), f"<h2>{escape(said.heading)}</h2>\n",
        *(f"<p>{escape(line)}</p>\n" for line in said.lines), public_markdown(said.text),
        *(_linked(*one) for one in links),
        *(("<hr>\n<small>\n", *(_linked(*one) for one in foot), "</small>\n") if foot else ()),
        "</body>\n</html>\n",
    ]  # fmt: skip
    return WrittenLetter(subject, "\n".join(text) + "\n", "".join(html))


def _plain(link: tuple[str, str]) -> str:
    return f"{link[0]}: {link[1]}" if link[1] else link[0]


def _linked(words: str, link: str) -> str:
    shown = f'<a href="{escape(link)}">{escape(words)}</a>' if link else escape(words)
    return f"<div>{shown}</div>\n"
