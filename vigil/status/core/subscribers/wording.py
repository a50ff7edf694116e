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
    return _letter(
        f"[{page.title}] {update.named_state(page.words)}: {update.title}",
        [update.title, *update.facts(page.words), "", *update.text.splitlines()],
        [(words.status_page, f"{page.address}/{incident_path(update.incident)}")],
        [(words.why.format(title=page.title), ""), *_own_links(page, links)],
    )


def confirm_letter(page: ToldPage, links: SubscriberLinks) -> WrittenLetter:
    """The question whether an address wants to be told."""
    words = page.words.letters
    lines = [words.confirm_title.format(title=page.title), words.confirm_text, words.confirm_nothing]
    return _letter(
        f"[{page.title}] {words.confirm_subject}",
        lines,
        [(words.confirm, links.confirm), (words.status_page, page.address)],
    )


def manage_letter(page: ToldPage, links: SubscriberLinks) -> WrittenLetter:
    """The link to one's subscription, for an address that asked again."""
    words = page.words.letters
    lines = [words.known_title.format(title=page.title), words.known_text]
    shown = [(words.status_page, page.address), *_own_links(page, links)]
    return _letter(f"[{page.title}] {words.known_subject}", lines, shown)


Links = Sequence[tuple[str, str]]


def _own_links(page: ToldPage, links: SubscriberLinks) -> Links:
    words = page.words
    return [(words.letters.choose, links.manage), (words.subscribing.unsubscribe, links.unsubscribe)]


def _letter(subject: str, lines: Sequence[str], links: Links, foot: Links = ()) -> WrittenLetter:
    heading, *rest = lines
    text = [heading, "", *rest, "", *map(_plain, links), *(["", "-- ", *map(_plain, foot)] if foot else [])]
    body = "".join(f"<p>{escape(line)}</p>" for line in rest if line)
    shown = "".join(_linked(words, link) for words, link in links)
    small = f"<hr><small>{''.join(_linked(words, link) for words, link in foot)}</small>" if foot else ""
    return WrittenLetter(
        cut(one_line(subject), SUBJECT_MOST), "\n".join(text) + "\n", f"<h2>{escape(heading)}</h2>{body}{shown}{small}"
    )


def _plain(link: tuple[str, str]) -> str:
    return f"{link[0]}: {link[1]}" if link[1] else link[0]


def _linked(words: str, link: str) -> str:
    shown = f'<a href="{escape(link)}">{escape(words)}</a>' if link else escape(words)
    return f"<p>{shown}</p>"
