"""Calendar of planned maintenance (iCalendar, RFC 5545). Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, Timezone, TimezoneStandard
from icalendar.prop import vText

from vigil.status.core.facts import PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.incidents.cards import incident_path

CALENDAR_FILE = "maintenance.ics"
#: Before every change: sequences are seconds since then, which a client's 32 bits hold until 2093.
_COUNTED_FROM = datetime(2025, 1, 1, tzinfo=UTC)


def maintenance_calendar(facts: PageFacts, frame: PageFrame) -> bytes:
    """Planned maintenance that the page shows, each an event under one id whatever is changed of it."""
    made = Calendar()
    made.add("prodid", "-//Vigil//status page//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    # A name that the library does not know, whose commas and line ends it would leave.
    made.add("x-wr-calname", vText(facts.words.maintenance_of.format(title=facts.title)))
    made.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for one in facts.incidents:
        if one.planned is not None:
            made.add_component(_event(one, facts, frame))
    if not made.subcomponents:
        # A calendar holds one component at least (RFC 5545, section 3.6).
        made.add_component(_utc())
    return bytes(made.to_ical())


def _event(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> Event:
    assert one.planned is not None
    event = Event()
    event.add("uid", f"{one.id}@vigil")
    # The time of the newest word, and not of this file: what says the same has the same bytes.
    event.add("dtstamp", one.updated_at)
    event.add("last-modified", one.updated_at)
    # It grows with each change, also where that adds no update.
    event.add("sequence", max(0, int((one.updated_at - _COUNTED_FROM).total_seconds())))
    event.add("dtstart", one.planned[0])
    event.add("dtend", one.planned[1])
    event.add("summary", f"{facts.title}: {one.title}")
    names = ", ".join(each.name for each in facts.components if each.id in one.components)
    said = one.updates[-1].text if one.updates else ""
    event.add(
        "description", "\n\n".join(filter(None, (said, facts.words.affects.format(names=names) if names else "")))
    )
    event.add("url", f"{frame.address}/{incident_path(one.id)}")
    # Maintenance of others makes nobody busy.
    event.add("transp", "TRANSPARENT")
    return event


def _utc() -> Timezone:
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Etc/UTC")
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001  # local times, as the form has them
    standard.add("tzoffsetfrom", timedelta())
    standard.add("tzoffsetto", timedelta())
    zone.add_component(standard)
    return zone
