"""Strips of days for readers: one bar a day, in words where something was, and a link to each day. Pure.

Without a script a strip is a picture that leads to its days; with one it is a slider that reads and opens each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape

from vigil.read_models.core.drawn_strips import quarter_strip
from vigil.read_models.core.figures import length
from vigil.read_models.core.strips import runs
from vigil.status.core.facts import PageFrame, PublicIncidentFacts
from vigil.status.core.history.year import ComponentDay
from vigil.status.core.languages.words import PageWords

#: Paths of the year and, with a month such as 2026-11 behind it, of its months.
YEAR_FILE = "history"


@dataclass(frozen=True, slots=True)
class DayStrip:
    """What a strip shows: a label, its days with the incidents of each, the last day, and where days open."""

    label: str
    sum: str
    days: Sequence[ComponentDay]
    incidents: Sequence[Sequence[PublicIncidentFacts]]
    end: date
    frame: PageFrame


def strip_figure(strip: DayStrip, words: PageWords) -> str:
    """The strip with its ends and its sum."""
    drawn = quarter_strip(runs(one.state for one in strip.days))
    paths = "".join(f'<path class="{path.letter}" d="{path.data}"/>' for path in drawn.paths)
    begins = strip.end - timedelta(days=len(strip.days) - 1)
    told = [
        "" if one.is_quiet and not hit else day_text(begins + timedelta(days=place), one, len(hit), words)
        for place, (one, hit) in enumerate(zip(strip.days, strip.incidents, strict=True))
    ]
    texts = "|".join(told).rstrip("|")
    return (
        f'<figure class="days" dir="ltr" data-strip data-runs="{drawn.runs}" data-end="{strip.end.isoformat()}" '
        f'data-href="{escape(strip.frame.address)}/{YEAR_FILE}/" data-month="{strip.frame.query}"'
        f'{f""" data-days="{escape(texts)}" """.rstrip() if texts else ""}>'
        f'<a href="{escape(strip.frame.at(YEAR_FILE))}#months" aria-label="{escape(strip.label)}">'
        f'<svg class="strip days" aria-hidden="true" viewBox="0 0 {drawn.width} 16" preserveAspectRatio="none">'
        f"{paths}</svg></a>"
        f'<figcaption class="ends"><span>{words.day(_at(begins))}</span><output>{escape(strip.sum)}</output>'
        f"<span>{words.day(_at(strip.end))}</span></figcaption></figure>"
    )


def day_text(day: date, one: ComponentDay, incidents: int, words: PageWords) -> str:
    """A day in words: `22 Aug 2026, 99.31 % up, 1 incident, 9 min down`."""
    said = [words.date(_at(day)), *figures_of(one, words)]
    if incidents:
        said.insert(2, (words.one_incident if incidents == 1 else words.many_incidents).format(count=incidents))
    return ", ".join(said)


def figures_of(one: ComponentDay, words: PageWords) -> list[str]:
    """The part that was up, and how long it was down, slow and in maintenance."""
    ratio = one.uptime.ratio
    said = [words.not_measured if ratio is None else words.up.format(percent=words.percent(ratio))]
    for form, seconds in (
        (words.down_for, one.uptime.down_s),
        (words.slow_for, one.uptime.degraded_s),
        (words.maintenance_for, one.uptime.maintenance_s),
    ):
        if seconds:
            said.append(form.format(length=length(timedelta(seconds=seconds))))
    return said


def _at(day: date) -> datetime:
    return datetime.combine(day, time())
