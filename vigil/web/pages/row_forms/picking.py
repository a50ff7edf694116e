"""Choice of rows in a form: boxes of the first ones, of those that are ticked, and of those that were searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from vigil.accounts.models import Team
from vigil.alerts.models import Channel, Person, Rotation
from vigil.monitors.models import Monitor, Region
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.reading import lines
from vigil.web.pages.row_forms.shape import Errors
from vigil.web.parts.fields import FormField

#: Boxes that are shown without a search, and the longest list that is read whole.
SHOWN, LISTED = 20, 1_200
FIND = "find."
Options = Sequence[tuple[str, str]]


def names_of(rows: QuerySet[Any]) -> Options:
    """Ids and names of a team's rows: one query."""
    return list(rows.order_by("name").values_list("public_id", "name")[:LISTED])


def channels_of(team: Team) -> QuerySet[Channel]:
    """Channels of a team."""
    return Channel.objects.filter(team=team)


def people_of(team: Team) -> QuerySet[Person]:
    """People of a team."""
    return Person.objects.filter(team=team)


def rotations_of(team: Team) -> QuerySet[Rotation]:
    """Rotations of a team."""
    return Rotation.objects.filter(team=team)


def region_options() -> Options:
    """Regions, which belong to no team: one query."""
    return [(slug, slug) for slug in Region.objects.values_list("slug", flat=True)[:LISTED]]


def monitors_of(team: Team) -> QuerySet[Monitor]:
    """What a team watches."""
    return Monitor.objects.filter(team=team, deleted_at=None)


def boxes(name: str, label: str, options: Options, sent: Sent, errors: Errors, hint: str = "") -> FormField:
    """Boxes of options that are all known; with a search where they are many."""
    ticked, sought = frozenset(lines(sent, name)), sent.get(FIND + name, "").strip()[:100]
    fits = [one for one in options if sought.lower() in one[1].lower()][:SHOWN]
    shown = [one for one in options if one[0] in ticked or one in fits]
    return _field(name, label, shown, sent, errors, hint, sought, len(options) > SHOWN)


def monitor_boxes(name: str, label: str, team: Team, sent: Sent, errors: Errors, hint: str = "") -> FormField:
    """Boxes of monitors, of which there may be thousands: two queries."""
    ticked, sought = lines(sent, name), sent.get(FIND + name, "").strip()[:100]
    kept = list(names_of(monitors_of(team).filter(public_id__in=ticked[:LISTED])))
    fits = found_monitors(team, sought)
    more = [one for one in fits[:SHOWN] if one not in kept]
    return _field(name, label, [*kept, *more], sent, errors, hint, sought, bool(sought) or len(fits) > SHOWN)


def found_monitors(team: Team, sought: str) -> Options:
    """The first monitors whose name or id has the words, and one more if there are more."""
    rows = monitors_of(team)
    rows = rows.filter(name__icontains=sought) | rows.filter(public_id=sought) if sought else rows
    return list(rows.order_by("name").values_list("public_id", "name")[: SHOWN + 1])


def _field(
    name: str, label: str, shown: Options, sent: Sent, errors: Errors, hint: str, sought: str, finds: bool
) -> FormField:
    value = "\n".join(lines(sent, name))
    return FormField(
        name, label, value, "checks", hint, list(errors.get(name, ())), list(shown), finds=finds, sought=sought
    )
