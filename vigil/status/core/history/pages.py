"""Pages of a year: all strips of 365 days, and a page for each month on which every day has its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from html import escape

from vigil.history.core.uptime import Uptime
from vigil.read_models.core.strips import PAUSED
from vigil.status.core.facts import ComponentFacts, PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.history.strips import YEAR_FILE, DayStrip, figures_of, strip_figure
from vigil.status.core.history.year import YEAR_DAYS, PageYear, touching
from vigil.status.core.incidents.cards import incident_path
from vigil.status.core.languages.words import PageWords
from vigil.status.core.layout.page import document

#: Days of one strip of the year: four of them are as wide as a phone shows.
_ROW = 92


def history_files(facts: PageFacts, year: PageYear, frame: PageFrame) -> dict[str, bytes]:
    """The pages by their paths: `history`, and `history/2026-11` for each month."""
    files = {YEAR_FILE: _year_page(facts, year, frame)}
    for month in year.months:
        files[f"{YEAR_FILE}/{month}"] = _month_page(facts, year, month, frame)
    return {path: text.encode() for path, text in files.items()}


def _year_page(facts: PageFacts, year: PageYear, frame: PageFrame) -> str:
    words = facts.words
    rows = "".join(_component(one, year, frame, words) for one in facts.components)
    months = "".join(
        f'<li><a href="{frame.at(f"{YEAR_FILE}/{month}")}">{_month_name(month, words)}</a></li>'
        for month in year.months
    )
    body = (
        f'<h1>{words.last_365_days}</h1>\n{f"""<section class="card"><ul>{rows}</ul></section>""" if rows else ""}\n'
        f'<section class="card panel" id="months" aria-labelledby="m"><h2 id="m">{words.by_month}</h2>'
        f'<ul class="keys">{months}</ul></section>\n'
    )
    return document(facts, frame, words.last_365_days, body)


def _component(one: ComponentFacts, year: PageYear, frame: PageFrame, words: PageWords) -> str:
    days, dates = year.components.get(one.id, ()), year.days
    if len(days) != YEAR_DAYS:
        return ""
    ratio = sum((day.uptime for day in days), Uptime()).ratio
    up = words.not_measured if ratio is None else words.up.format(percent=words.percent(ratio))
    strips = []
    for start in range(0, YEAR_DAYS, _ROW):
        part = days[start : start + _ROW]
        if all(day.state == PAUSED for day in part) and start + _ROW < YEAR_DAYS:
            # Before it was measured for the first time.
            continue
        shown = dates[start : start + _ROW]
        hit = [touching(year.incidents.get(day, ()), one.id) for day in shown]
        label = words.name_from_to.format(name=one.name, start=words.day(_at(shown[0])), end=words.day(_at(shown[-1])))
        strips.append(strip_figure(DayStrip(label, "", part, hit, shown[-1], frame), words))
    return (
        f'<li class="comp" id="{one.id}"><div class="row"><h2 class="h"><bdi>{escape(one.name)}</bdi></h2>'
        f"<span>{up}</span></div>{''.join(strips)}</li>\n"
    )


def _month_page(facts: PageFacts, year: PageYear, month: str, frame: PageFrame) -> str:
    words = facts.words
    days = [day for day in reversed(year.days) if f"{day:%Y-%m}" == month]
    title = _month_name(month, words)
    body = f'<h1>{title}</h1>\n<p><a href="{frame.at(YEAR_FILE)}">{words.last_365_days}</a></p>\n'
    body += "".join(_day(day, facts, year, frame) for day in days)
    return document(facts, frame, title, body)


def _day(day: date, facts: PageFacts, year: PageYear, frame: PageFrame) -> str:
    words, place = facts.words, f"d-{day.isoformat()}"
    said = [*_incidents(year.incidents.get(day, ()), facts, frame), *_trouble(day, facts.components, year, words)]
    told = f"<ul>{''.join(said)}</ul>" if said else f'<p class="muted small">{_calm(day, facts, year)}</p>'
    return (
        f'<section class="card panel" id="{place}" aria-labelledby="h-{place}"><h2 id="h-{place}">'
        f'<time datetime="{day.isoformat()}">{words.date(_at(day))}</time></h2>{told}</section>\n'
    )


def _calm(day: date, facts: PageFacts, year: PageYear) -> str:
    """Of a day without trouble: that nothing happened, or that nothing was measured."""
    found = [year.on(one.id, day) for one in facts.components]
    measured = any(one is not None and one.uptime.ratio is not None for one in found)
    return facts.words.nothing_happened if measured or not facts.components else facts.words.nothing_measured


def _incidents(incidents: Sequence[PublicIncidentFacts], facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    words, own = facts.words, {one.id for one in (*facts.incidents, *facts.earlier)}
    for one in incidents:
        title = f"<bdi>{escape(one.title)}</bdi>"
        if one.id in own:
            title = f'<a href="{frame.at(incident_path(one.id))}">{title}</a>'
        end = words.still_open if one.resolved_at is None else words.moment(one.resolved_at)
        when = words.from_to.format(start=words.moment(one.started_at), end=end)
        yield (f'<li><p><b>{title}</b><br><span class="muted small">{when}</span></p></li>')


def _trouble(day: date, components: Sequence[ComponentFacts], year: PageYear, words: PageWords) -> Iterator[str]:
    for one in components:
        found = year.on(one.id, day)
        if found is not None and not found.is_quiet and found.uptime.wall_s and found.state != PAUSED:
            yield f"<li><p><bdi>{escape(one.name)}</bdi>: {', '.join(figures_of(found, words))}</p></li>"


def _month_name(month: str, words: PageWords) -> str:
    year, _, number = month.partition("-")
    return f"{words.months[int(number) - 1]} {year}"


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
