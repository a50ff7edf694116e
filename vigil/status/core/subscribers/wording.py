"""What letters to subscribers say: subject, lines, and the page's own words and public names alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from vigil.alerts.wording.fitting import cut, one_line
from vigil.status.core.incidents.cards import incident_path

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

    @property
    def facts(self) -> list[str]:
        """Its state and time, what it affects, and when it is planned, a line each."""
        found = [f"{state_words(self.state)}, {moment(self.at)} UTC"]
        if self.planned is not None:
            found.append(f"Planned from {moment(self.planned[0])} to {moment(self.planned[1])} UTC.")
        if self.components:
            found.append(f"Affects {', '.join(name for _, name in self.components)}.")
        return found


@dataclass(frozen=True, slots=True)
class ToldPage:
    """The page that tells, and what it links to."""

    id: str
    title: str
    address: str
    indicator: str = "none"


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
    state = state_words(update.state)
    foot = f"You get this because you subscribed to {page.title}."
    return _letter(
        f"[{page.title}] {state}: {update.title}",
        [update.title, *update.facts, "", *update.text.splitlines()],
        [("Status page", f"{page.address}/{incident_path(update.incident)}")],
        [(foot, ""), ("Choose what you are told", links.manage), ("Unsubscribe", links.unsubscribe)],
    )


def confirm_letter(page: ToldPage, links: SubscriberLinks) -> WrittenLetter:
    """The question whether an address wants to be told."""
    lines = [
        f"Confirm that you want updates of {page.title}",
        "Somebody asked for this with your address. Open the link and press the button within 48 hours.",
        "If it was not you, do nothing: you will not be told anything.",
    ]
    return _letter(
        f"[{page.title}] Confirm your subscription", lines, [("Confirm", links.confirm), ("Status page", page.address)]
    )


def manage_letter(page: ToldPage, links: SubscriberLinks) -> WrittenLetter:
    """The link to one's subscription, for an address that asked again."""
    lines = [
        f"You are subscribed to {page.title} already",
        "Somebody asked for a subscription with your address again. Nothing was changed.",
    ]
    links_shown = [("Choose what you are told", links.manage), ("Unsubscribe", links.unsubscribe)]
    return _letter(f"[{page.title}] Your subscription", lines, [("Status page", page.address), *links_shown])


def state_words(state: str) -> str:
    """A state for people, such as "In progress"."""
    return state.replace("_", " ").capitalize()


def moment(at: datetime) -> str:
    """A time in UTC, for people."""
    return f"{at.day} {at:%b %Y %H:%M}"


Links = Sequence[tuple[str, str]]


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
