"""Calendar feed (iCalendar) of retirements, at a secret address."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from django.db import transaction
from icalendar import Calendar, Event

from vigil.accounts.models import Team
from vigil.configuration import configuration
from vigil.model_watch.models import RetirementFeed, new_feed_key
from vigil.model_watch.tables import load_table
from vigil.model_watch.uses import used_models

#: Retirements that are over for longer are left out.
PAST = timedelta(days=90)


def feed_address(team: Team) -> str:
    """Address of the team's calendar; anyone who has it can read it."""
    return address(team, "models", "ics")


def address(team: Team, page: str, form: str) -> str:
    """Secret address of a feed of this page, made when it is first asked for."""
    feed, _ = RetirementFeed.objects.get_or_create(team=team)
    return f"{configuration().base_url}/{page}/{team.public_id}/{feed.feed_key}.{form}"


def renew_feed(team: Team) -> str:
    """Issue new addresses of the team's feeds; the old ones stop working at once. Returns that of the calendar."""
    with transaction.atomic():
        feed, _ = RetirementFeed.objects.select_for_update().get_or_create(team=team)
        feed.feed_key = new_feed_key()
        feed.save(update_fields=["feed_key"])
    return feed_address(team)


def find_feed(public_id: str, key: str) -> Team | None:
    """The team of a feed's key; None for a wrong key."""
    feed = RetirementFeed.objects.filter(team__public_id=public_id).select_related("team").first()
    expected = feed.feed_key if feed is not None else new_feed_key()
    return feed.team if feed is not None and hmac.compare_digest(expected.encode(), key.encode()) else None


def calendar(team: Team, now: datetime) -> bytes:
    """A day for each model in use that retires."""
    found = Calendar()
    found.add("prodid", "-//Vigil//model retirements//EN")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    found.add("x-wr-calname", f"Model retirements: {team.name}")
    for one in used_models(team.pk, load_table().table):
        if one.retires is None or one.retires.day < (now - PAST).date():
            continue
        event = Event()
        event.add("uid", f"{team.public_id}-{one.named.provider}-{one.named.model}@vigil")
        event.add("dtstamp", now)
        event.add("dtstart", one.retires.day)
        event.add("summary", f"{one.named.model} of {one.provider_name} retires")
        follows = f"\nReplacement: {one.replacement}" if one.replacement else ""
        read = f", read {one.retires.read}" if one.retires.read else ""
        event.add("description", f"Used by {one.used_by}.{follows}\nSource: {one.retires.source}{read}")
        event.add("url", f"{configuration().base_url}/models")
        event.add("transp", "TRANSPARENT")
        found.add_component(event)
    return bytes(found.to_ical())
