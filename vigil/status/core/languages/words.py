"""Words of a status page in one language: every sentence that is not a team's own, and the forms of dates and numbers.

A language is one file with a `PageWords`, and one line in `LANGUAGES`. Names in braces stand for what a page knows;
every language has the same ones in each sentence. Documents for programs keep their words for machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vigil.read_models.core import figures
from vigil.status.core.languages.reader_words import FirstWords, LetterWords, ReaderNotice, SubscribingWords
from vigil.status.core.states import PublicState, UpdateState

#: Letters of bars, in the order in which their words are given to the script.
BARS = "ugdnpm"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """All words of a language. `{time}` and `{date}` are written by its own forms."""

    #: Tag of the language (BCP 47), and its name in itself.
    tag: str
    name: str
    #: Short names of the months, the decimal sign, and forms of a date.
    months: tuple[str, ...]
    decimal: str
    date_form: str
    day_form: str
    moment_form: str

    states: Mapping[PublicState, str]
    updates: Mapping[UpdateState, str]
    #: The banner: of all, of some, and of one that it names.
    says: Mapping[PublicState, str]
    says_of_one: Mapping[PublicState, str]
    all_down: str
    all_measured_work: str
    no_incident_open: str
    an_incident_open: str
    one_affected: str
    many_affected: str

    skip: str
    services: str
    service: str
    group: str
    state: str
    uptime_90_days: str
    changed: str
    old_news: str
    as_of: str
    no_news: str
    affects: str
    open_incidents: str
    past_incidents: str
    incidents: str
    incidents_of: str
    status_of: str
    maintenance_of: str
    subscribe: str
    postmortem: str
    planned_from_to: str
    planned_maintenance: str
    edited: str
    the_page: str
    not_measured: str
    up: str
    last_90_days: str
    today: str
    nothing_ended: str
    all_together: str
    uptime_rule: str
    times_in_utc: str
    #: Bars of a strip by their letters, and days in words.
    bars: Mapping[str, str]
    open_day: str
    last_365_days: str
    by_month: str
    down_for: str
    slow_for: str
    maintenance_for: str
    one_incident: str
    many_incidents: str
    still_open: str
    from_to: str
    name_from_to: str
    nothing_happened: str
    nothing_measured: str
    response_time: str
    provider_says: str
    since: str

    letters: LetterWords
    subscribing: SubscribingWords
    #: A title and a sentence.
    notices: Mapping[ReaderNotice, tuple[str, str]]
    first: FirstWords

    @property
    def of_strips(self) -> str:
        """What the script of strips says, divided by `|`: words of the letters, and that of opening a day."""
        return "|".join([*(self.bars[letter] for letter in BARS), self.open_day])

    def date(self, at: datetime) -> str:
        """A day with its year."""
        return self.date_form.format(day=at.day, month=self.months[at.month - 1], year=at.year)

    def day(self, at: datetime) -> str:
        """A day without its year."""
        return self.day_form.format(day=at.day, month=self.months[at.month - 1])

    def moment(self, at: datetime) -> str:
        """A time to the minute."""
        return self.moment_form.format(date=self.date(at), time=f"{at:%H:%M}")

    def percent(self, part: float) -> str:
        """A part of 1, with two places."""
        return figures.percent(part).replace(".", self.decimal)
