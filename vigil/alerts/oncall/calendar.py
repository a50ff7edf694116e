"""A rotation as a calendar that other programs read, at an address that nobody can guess."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from vigil.alerts.core.rotation import shifts
from vigil.alerts.models import Person, Rotation
from vigil.alerts.models.rotation import new_feed_key
from vigil.configuration import configuration

PAST, FUTURE = timedelta(days=14), timedelta(days=90)


def feed_address(rotation: Rotation) -> str:
    """Where the calendar is; whoever knows it may read it."""
    return f"{configuration().base_url}/oncall/{rotation.public_id}/{rotation.feed_key}.ics"


def renew_feed_key(rotation: Rotation) -> str:
    """Give the calendar a new address; the old one ends at once."""
    rotation.feed_key = new_feed_key()
    rotation.save(update_fields=["feed_key"])
    return feed_address(rotation)


def find_feed(public_id: str, key: str) -> Rotation | None:
    """The rotation whose calendar this is; None for a wrong key as for no rotation at all."""
    rotation = Rotation.objects.filter(public_id=public_id).first()
    expected = rotation.feed_key if rotation is not None else new_feed_key()
    return rotation if hmac.compare_digest(expected.encode(), key.encode()) else None


def calendar(rotation: Rotation, now: datetime) -> bytes:
    """The shifts of the last two weeks and the next three months."""
    found = Calendar()
    found.add("prodid", "-//Vigil//on call//EN")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    found.add("x-wr-calname", f"On call: {rotation.name}")
    # Whole days, so that a shift that the range cuts keeps its name from hour to hour.
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rota = rotation.rota
    names = dict(Person.objects.filter(team_id=rotation.team_id).values_list("pk", "name"))
    for shift in shifts(rota, day - PAST, day + FUTURE):
        event = Event()
        event.add("uid", f"{rotation.public_id}-{shift.starts:%Y%m%dT%H%M%SZ}@vigil")
        event.add("dtstamp", now)
        event.add("dtstart", shift.starts)
        event.add("dtend", shift.ends)
        stands_in = " (stands in)" if shift.covers else ""
        event.add("summary", f"{names.get(shift.person, 'somebody')}{stands_in}: {rotation.name}")
        # Somebody on call is not busy for that reason.
        event.add("transp", "TRANSPARENT")
        found.add_component(event)
    return bytes(found.to_ical())
