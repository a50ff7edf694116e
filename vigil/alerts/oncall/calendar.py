"""Calendar feed (iCalendar) of a rotation, at a secret address."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from django.db import transaction
from icalendar import Calendar, Event

from vigil.alerts.core.rotation import shifts
from vigil.alerts.models import Person, Rotation
from vigil.alerts.models.rotation import new_feed_key
from vigil.configuration import configuration

PAST, FUTURE = timedelta(days=14), timedelta(days=90)


def feed_address(rotation: Rotation) -> str:
    """Address of the feed; anyone who has it can read it."""
    return f"{configuration().base_url}/oncall/{rotation.public_id}/{rotation.feed_key}.ics"


def renew_feed_key(rotation: Rotation) -> str:
    """Issue a new address for the feed; the old one stops working at once. Raises `Rotation.DoesNotExist`."""
    with transaction.atomic():
        current = Rotation.objects.select_for_update().get(pk=rotation.pk)
        current.feed_key = new_feed_key()
        current.save(update_fields=["feed_key"])
    return feed_address(current)


def find_feed(public_id: str, key: str) -> Rotation | None:
    """Rotation of a feed key; None for a wrong key."""
    rotation = Rotation.objects.filter(public_id=public_id).first()
    expected = rotation.feed_key if rotation is not None else new_feed_key()
    return rotation if hmac.compare_digest(expected.encode(), key.encode()) else None


def calendar(rotation: Rotation, now: datetime) -> bytes:
    """Shifts of the last two weeks and the next three months."""
    found = Calendar()
    found.add("prodid", "-//Vigil//on call//EN")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    found.add("x-wr-calname", f"On call: {rotation.name}")
    # Whole days, so that a shift cut by the range keeps its id from hour to hour.
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    schedule = rotation.schedule
    names = dict(Person.objects.filter(team_id=rotation.team_id).values_list("pk", "name"))
    for shift in shifts(schedule, day - PAST, day + FUTURE):
        event = Event()
        event.add("uid", f"{rotation.public_id}-{shift.starts:%Y%m%dT%H%M%SZ}@vigil")
        event.add("dtstamp", now)
        event.add("dtstart", shift.starts)
        event.add("dtend", shift.ends)
        stands_in = " (stands in)" if shift.covers else ""
        event.add("summary", f"{names.get(shift.person, 'somebody')}{stands_in}: {rotation.name}")
        # Being on call does not make a person busy.
        event.add("transp", "TRANSPARENT")
        found.add_component(event)
    return bytes(found.to_ical())
