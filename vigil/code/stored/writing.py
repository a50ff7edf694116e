"""Objects of a plan written through their own write paths, in the order in which each can refer to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.alerts.routing.changes import save_person, save_policy, save_rotation, save_route
from vigil.code.core.fields.types import Json
from vigil.code.core.objects import Wanted
from vigil.code.core.state import Address
from vigil.code.stored.regions import drain_region, write_region
from vigil.code.stored.registered import REGISTERED
from vigil.code.stored.rows import FEED, TeamRows
from vigil.feeds.witnesses import switch
from vigil.heartbeats import changes as heartbeats
from vigil.heartbeats.core.schedule import ScheduleKind
from vigil.history.changes import save_objective
from vigil.history.models import Objective, Report
from vigil.monitors import changes as monitors
from vigil.monitors.composites import Member, create_composite, update_composite
from vigil.monitors.models import Monitor
from vigil.silences.changes import change_silence, create_silence, delete_silence
from vigil.silences.models import Silence

Values = Mapping[str, Any]


@dataclass(slots=True)
class Writing:
    """A plan while it is applied: the rows, the ids of addresses so far, values of secrets, and who applies it."""

    rows: TeamRows
    ids: dict[Address, str]
    secrets: Mapping[Address, Mapping[str, str]]
    by: str

    def row(self, sections: tuple[str, ...], named: str) -> Any:
        """The row that a key or an id names; raises `ValidationError`."""
        public_id = next((self.ids[section, named] for section in sections if (section, named) in self.ids), named)
        try:
            return self.rows.find(public_id)
        except KeyError:
            raise ValidationError({"__all__": [f"There is no {named}: it was deleted."]}) from None

    def row_of(self, section: str, named: str) -> Any:
        return self.row((section,), named)

    def monitor(self, named: str) -> Monitor:
        """The monitor of a key or id; of a heartbeat or composite, the monitor that it has."""
        row = self.row(("monitors", "heartbeats", "composites"), named)
        found: Monitor = row if isinstance(row, Monitor) else row.monitor
        return found

    def made(self, one: Wanted, public_id: str, row: Any) -> None:
        section = "silences" if one.section == "maintenance" else one.section
        self.rows.sections[section][public_id] = row
        self.ids[one.section, one.key] = public_id


def write_object(writing: Writing, one: Wanted, public_id: str) -> None:
    """Create the object, or change that of `public_id`; raises `ValidationError` by field."""
    row = writing.rows.find(public_id) if public_id else None
    above = REGISTERED.get(one.section)
    write = above.write if above is not None else _WRITERS[one.section]
    saved_id, saved = write(writing, one, row)
    writing.made(one, saved_id, saved)


def delete_object(writing: Writing, section: str, public_id: str) -> None:
    """Delete an object by its own rules: history and past windows stay, and a region is drained."""
    row = writing.rows.find(public_id)
    if section == "heartbeats":
        heartbeats.delete_heartbeat(row)
    elif section in ("monitors", "composites"):
        monitors.delete_monitor(row if section == "monitors" else row.monitor)
    elif section in ("silences", "maintenance"):
        delete_silence(row)
    elif section == "feeds":
        switch([row.provider], False)
    elif section == "regions":
        drain_region(row)
    elif section in REGISTERED:
        REGISTERED[section].delete(row)
    else:
        row.delete()


def monitor_columns(fields: Values) -> Json:
    """Fields of a monitor in the names of its write path, without regions and parents."""
    names = {"interval": "interval_s", "timeout": "timeout_ms", "headroom_warning": "headroom_warning_minutes"}
    return {names.get(name, name): value for name, value in fields.items() if name not in ("regions", "parents")}


def _heartbeat(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    paused = wanted.pop("paused", None)
    every, cron, on_calendar = (wanted.pop(name) for name in ("every", "cron", "on_calendar"))
    wanted["grace_s"], wanted["run_limit_s"] = wanted.pop("grace"), wanted.pop("run_limit")
    if every is not None:
        wanted |= {"schedule": ScheduleKind.PERIOD.value, "period_s": every}
    else:
        kind = ScheduleKind.CRON if cron is not None else ScheduleKind.ONCALENDAR
        wanted |= {"schedule": kind.value, "expression": cron if cron is not None else on_calendar}
    team = writing.rows.team
    saved = heartbeats.create_heartbeat(team, wanted) if row is None else heartbeats.update_heartbeat(row, wanted)
    if paused is not None and saved.monitor.paused is not paused:
        saved = heartbeats.set_paused(saved, paused)
    return saved.monitor.public_id, saved


def _composite(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    wanted["members"] = [
        Member(writing.monitor(key), rank, link["group"])
        for rank, link in enumerate(wanted["members"])
        for key in link["monitors"]
    ]
    if row is None:
        row = create_composite(writing.rows.team, wanted)
    else:
        update_composite(row, wanted)
    return row.monitor.public_id, row


def _channel(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    wanted["self_test_minutes"] = wanted.pop("self_test")
    secrets = dict(writing.secrets.get((one.section, one.key), {}))
    if one.fields["kind"] == "webhook" and row is not None and row.kind == "webhook" and "secret" in row.secrets:
        secrets.setdefault("secret", row.secrets["secret"])
    wanted["secrets"] = secrets
    saved = save_channel(row or Channel(team=writing.rows.team), wanted)
    return saved.public_id, saved


def _route(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    wanted["remind_s"] = wanted.pop("remind")
    wanted["monitor"] = writing.monitor(wanted["monitor"]) if wanted["monitor"] else None
    wanted["policy"] = writing.row_of("policies", wanted["policy"]) if wanted["policy"] else None
    wanted["channels"] = _rows(writing, "channels", wanted["channels"])
    for name in ("starts", "ends"):
        wanted[name] = time.fromisoformat(wanted[name]) if wanted[name] else None
    saved = save_route(row or Route(team=writing.rows.team), wanted)
    return saved.public_id, saved


def _person(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = {**one.fields, "channels": _rows(writing, "channels", one.fields["channels"])}
    saved = save_person(row or Person(team=writing.rows.team), wanted)
    return saved.public_id, saved


def _rotation(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    wanted["shift_days"] = wanted.pop("shift")
    wanted["starts_on"] = date.fromisoformat(wanted["starts_on"])
    wanted["handover"] = time.fromisoformat(wanted["handover"])
    wanted["people"] = _rows(writing, "people", wanted["people"])
    saved = save_rotation(row or Rotation(team=writing.rows.team), wanted)
    return saved.public_id, saved


def _policy(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    steps = [
        {
            "delay_s": step.get("delay_s", 0),
            **{name: _rows(writing, name, step.get(name, ())) for name in ("channels", "people", "rotations")},
        }
        for step in one.fields["steps"]
    ]
    saved = save_policy(row or EscalationPolicy(team=writing.rows.team), {**one.fields, "steps": steps})
    return saved.public_id, saved


def _silence(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    wanted["duration_s"] = wanted.pop("duration")
    about = [writing.monitor(key) for key in wanted.pop("monitors")]
    for name in ("starts_at", "ends_at"):
        wanted[name] = datetime.fromisoformat(wanted[name]) if wanted[name] else None
    if row is None:
        saved = create_silence(Silence(team=writing.rows.team, created_by=writing.by[:120]), wanted, about)
    else:
        saved = change_silence(row, wanted, about)
    return saved.public_id, saved


def _objective(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    fields = one.fields
    wanted = {name: fields[name] for name in ("name", "tag", "enabled")}
    wanted |= {"target_percent": Decimal(str(fields["target"])), "window_days": fields["window"]}
    wanted["monitor"] = writing.monitor(fields["monitor"]) if fields["monitor"] else None
    saved = save_objective(row or Objective(team=writing.rows.team), wanted)
    return saved.public_id, saved


def _report(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    row = row or Report(team=writing.rows.team)
    for name, value in one.fields.items():
        setattr(row, name, value)
    return _save(row)


def _feed(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    switch([one.key], one.fields["enabled"])
    return FEED + one.key, row


def _save(row: Any) -> tuple[str, Any]:
    row.full_clean(exclude=["public_id"])
    row.save()
    return row.public_id, row


def _rows(writing: Writing, section: str, keys: Any) -> list[Any]:
    return [writing.row_of(section, key) for key in keys]


_WRITERS: dict[str, Callable[[Writing, Wanted, Any], tuple[str, Any]]] = {
    "regions": lambda _, one, row: write_region(one, row),
    "channels": _channel,
    "people": _person,
    "rotations": _rotation,
    "policies": _policy,
    "heartbeats": _heartbeat,
    "composites": _composite,
    "routes": _route,
    "silences": _silence,
    "maintenance": _silence,
    "objectives": _objective,
    "reports": _report,
    "feeds": _feed,
}
