"""Form of rotations: turns in order, handover, and who is on call for the next two weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.alerts.core.rotation import shifts
from vigil.alerts.models import Rotation
from vigil.alerts.routing.changes import MAX_MEMBERS, save_rotation
from vigil.clock import database_now
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import names_of, people_of, rotations_of
from vigil.web.pages.row_forms.reading import Problems, chosen, clock_time, day, listed, text, whole
from vigil.web.pages.row_forms.repeated import rows_of, with_rows
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RepeatedRow, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

AHEAD = timedelta(days=14)
#: Shifts that are listed of them.
SHIFTS_MOST = 30
TURNS = "turns"


class RotationsForm(RowForm[Rotation]):
    """People in the order of their turns; who stands in is on the page of the rotation."""

    key, noun, section, base = "rotations", "rotation", "rotations", "on-call/rotations"
    repeats = {TURNS: MAX_MEMBERS}
    renamed = {"people": TURNS}

    def rows(self, team: Team) -> QuerySet[Rotation]:
        return rotations_of(team)

    def blank(self, reader: PageReader) -> Rotation:
        return Rotation(team=reader.team, starts_on=database_now().date())

    def texts(self, row: Rotation) -> dict[str, str]:
        turns = row.members.select_related("person").order_by("position") if row.pk else []
        texts = {
            "name": row.name,
            "zone": row.zone,
            "starts_on": row.starts_on.isoformat(),
            "handover": f"{row.handover:%H:%M}",
            "shift_days": str(row.shift_days),
        }
        return with_rows(texts, TURNS, [{"is": turn.person.public_id} for turn in turns])

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        people = names_of(people_of(team))

        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        length = field("shift_days", "Length of a turn", "number", unit="days", required=True)
        own = [field("name", "Name", required=True), length]
        own += [
            field("starts_on", "First day", "date", hint="The first person's turn begins on it.", required=True),
            field("handover", "Handover at", "time", required=True),
            field("zone", "Time zone", hint="Of the handover, such as Europe/Berlin."),
        ]
        return [FormBlock(own), _turns(people, sent, errors)]

    def read(self, team: Team, sent: Sent, row: Rotation) -> dict[str, Any]:
        problems: Problems = {}
        turns = [one.get("is", "") for one in rows_of(sent, TURNS, MAX_MEMBERS)]
        starts_on, handover = day(sent, "starts_on", problems), clock_time(sent, "handover", problems)
        for name, value in (("starts_on", starts_on), ("handover", handover)):
            if value is None and name not in problems:
                problems[name] = ["This is needed."]
        wanted = {
            "name": text(sent, "name"),
            "zone": text(sent, "zone"),
            "starts_on": starts_on,
            "handover": handover,
            "shift_days": whole(sent, "shift_days", problems),
            "people": chosen(people_of(team), turns, TURNS, problems),
        }
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return wanted

    def write(self, row: Rotation, wanted: Mapping[str, Any]) -> Rotation:
        return save_rotation(row, wanted)

    def means(self, row: Rotation, now: datetime) -> Meaning:
        found = rotations_of(row.team).prefetch_related("members__person", "overrides__person").get(pk=row.pk)
        members = [turn.person for turn in found.members.all()]
        names = {one.pk: one.name for one in (*members, *(other.person for other in found.overrides.all()))}
        every = "a day" if found.shift_days == 1 else f"{found.shift_days} days"
        who = listed(list(dict.fromkeys(one.name for one in members)), "No one")
        take = "takes every turn" if len(set(members)) == 1 else "take turns" if members else "takes a turn"
        sentence = f"{who} {take} of {every}, handover at {found.handover:%H:%M} {found.zone}."
        coming = shifts(found.schedule, now, now + AHEAD)[:SHIFTS_MOST]
        zone = ZoneInfo(found.zone)
        lines = [
            (names.get(one.person, "A former member") + (" (stands in)" if one.covers else ""), _span(one, zone))
            for one in coming
        ]
        warnings = [] if members else ["Without a person it calls no one."]
        return Meaning(sentence, f"On call for the next 14 days, {found.zone}", lines, warnings)

    def address(self, row: Rotation) -> str:
        return reverse("rotation", args=[row.public_id])

    def index(self) -> str:
        return reverse("on-call")


def _span(shift: Any, zone: ZoneInfo) -> str:
    starts, ends = shift.starts.astimezone(zone), shift.ends.astimezone(zone)
    return f"{starts:%a %d %b %H:%M} to {ends:%a %d %b %H:%M}"


def _turns(people: Sequence[tuple[str, str]], sent: Sent, errors: Errors) -> FormBlock:
    given, names = rows_of(sent, TURNS, MAX_MEMBERS), dict(people)
    rows = [
        RepeatedRow(number, names.get(one.get("is", ""), "A former member"), (), [("is", one.get("is", ""))],
                    number > 0, number < len(given) - 1)
        for number, one in enumerate(given)
    ]  # fmt: skip
    choice = FormField(
        f"add.{TURNS}", "One more person", kind="select", options=people, errors=list(errors.get(TURNS, ()))
    )
    hint = "From top to bottom, then from the top again. A person may stand in it more than once."
    return FormBlock(title="Turns", hint=hint, name=TURNS, rows=rows, adds="Add", choice=choice if people else None)
