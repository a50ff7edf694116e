"""State of a team as plans compare it, read in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Q

from vigil.accounts.models import Team
from vigil.alerts.models import EscalationStep, Person, RotationMember, Route
from vigil.code.core.fields.times import as_moment
from vigil.code.core.fields.types import Json
from vigil.code.core.sections.installation import INSTALLATION
from vigil.code.core.state import DELETED, Actual, TeamState
from vigil.code.models import ManagedObject
from vigil.code.stored.as_written import still_written
from vigil.code.stored.hashes import secret_hash
from vigil.code.stored.regions import region_fields
from vigil.code.stored.registered import REGISTERED
from vigil.code.stored.rows import FEED, TeamRows, load_one
from vigil.heartbeats.core.schedule import ScheduleKind
from vigil.monitors.core.composite_rules import RANKED
from vigil.monitors.models import CompositeMember, Dependency, Monitor
from vigil.silences.models import Silence

Many = Mapping[int, list[Any]]


def read_state(rows: TeamRows, project: str) -> TeamState:
    """The team's objects, and what the project owns."""
    objects: dict[str, Actual] = {}
    above = {section: one.read for section, one in REGISTERED.items()}
    for section, read in (_READERS | above).items():
        secrets = section in ("monitors", "channels")
        for public_id, name, fields in read(rows):
            row = rows.sections[section][public_id]
            hashes = _hashes(row) if secrets else {}
            objects[public_id] = Actual(section, public_id, name, fields, hashes)
    owned, foreign = {}, set()
    # What belongs to the installation may be owned by a project of another team.
    for one in ManagedObject.objects.filter(Q(team=rows.team) | Q(section__in=INSTALLATION)):
        if one.project != project or one.team_id != rows.team.pk:
            foreign.add(one.public_id)
            continue
        owned[one.section, one.key] = one.public_id
        if one.written and (actual := objects.get(one.public_id)) is not None:
            objects[one.public_id] = replace(actual, written=still_written(one.written, actual.fields))
    return TeamState(objects, owned, frozenset(foreign))


def read_one(owner: ManagedObject) -> Actual | None:
    """The monitor, heartbeat or composite that a document owns, in few queries; None where it is gone."""
    rows = load_one(owner.team, owner.section, owner.public_id)
    for public_id, name, fields in _READERS[owner.section](rows) if rows.monitors else ():
        written = still_written(owner.written, fields)
        hashes = _hashes(rows.monitors[public_id]) if owner.section == "monitors" else {}
        return Actual(owner.section, public_id, name, fields, hashes, written)
    return None


def _hashes(row: Any) -> dict[str, str]:
    return {key: secret_hash(value) for key, value in row.secrets.items()} if row.secrets else {}


Read = Iterable[tuple[str, str, Json]]


def _monitors(rows: TeamRows) -> Read:
    checked = Monitor.regions.through.objects.filter(**rows.of("monitor")).order_by("region__slug")
    regions = _many(checked, "monitor", "region__slug")
    needed = Dependency.objects.filter(**rows.of("child"), parent__deleted_at=None)
    parents = _many(needed, "child", "parent__public_id")
    for key, row in rows.sections["monitors"].items():
        yield key, row.name, {
            "name": row.name, "kind": row.kind, "config": row.config, "interval": row.interval_s,
            "timeout": row.timeout_ms, "sensitivity": str(row.sensitivity), "priority": str(row.priority),
            "tags": row.tags, "regions": regions.get(row.pk, []), "paused": row.paused,
            "parents": parents.get(row.pk, []), "headroom_warning": row.headroom_warning_minutes,
        }  # fmt: skip


def _heartbeats(rows: TeamRows) -> Read:
    for key, row in rows.sections["heartbeats"].items():
        monitor, kind = row.monitor, row.schedule
        yield key, monitor.name, {
            "name": monitor.name, "every": row.period_s if kind == ScheduleKind.PERIOD else None,
            "cron": row.expression if kind == ScheduleKind.CRON else None,
            "on_calendar": row.expression if kind == ScheduleKind.ONCALENDAR else None,
            "time_zone": row.time_zone, "grace": row.grace_s, "run_limit": row.run_limit_s, "slug": row.slug,
            "wakes_on_ping": row.wakes_on_ping, "keywords": row.keywords, "budget": row.budget,
            "priority": str(monitor.priority), "tags": monitor.tags, "paused": monitor.paused,
        }  # fmt: skip


def _composites(rows: TeamRows) -> Read:
    members: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    living = CompositeMember.objects.filter(**rows.of("composite__monitor"), monitor__deleted_at=None)
    found = living.order_by("rank", "id")
    for composite, rank, group, monitor in found.values_list("composite_id", "rank", "group", "monitor__public_id"):
        members[composite].append((rank, group, monitor))
    for key, row in rows.sections["composites"].items():
        links: dict[Any, Json] = {}
        for place, (rank, group, monitor) in enumerate(members[row.pk]):
            link = (rank, group) if row.rule in RANKED else place
            links.setdefault(link, {"group": group, "monitors": []})["monitors"].append(monitor)
        yield key, row.monitor.name, {
            "name": row.monitor.name, "rule": str(row.rule), "k": row.k, "members": list(links.values()),
            "tags": row.monitor.tags, "paused": row.monitor.paused,
        }  # fmt: skip


def _channels(rows: TeamRows) -> Read:
    for key, row in rows.sections["channels"].items():
        yield key, row.name, {
            "name": row.name, "kind": row.kind, "config": row.config, "enabled": row.enabled,
            "fallback": row.fallback, "gather": row.gather, "notices": row.notices,
            "self_test": row.self_test_minutes,
        }  # fmt: skip


def _routes(rows: TeamRows) -> Read:
    channels = _channels_of(Route.channels.through, "route", rows.team)
    monitors = {row.pk: row.public_id for row in rows.monitors.values()}
    policies = {row.pk: key for key, row in rows.sections["policies"].items()}
    plain = (
        "name", "position", "kinds", "severities", "priorities", "tags", "days", "zone", "notes", "goes_on", "default",
        "enabled",
    )  # fmt: skip
    for key, row in rows.sections["routes"].items():
        yield key, row.name, {
            **{name: getattr(row, name) for name in plain},
            "monitor": _monitor_of(row, monitors), "starts": _iso(row.starts), "ends": _iso(row.ends),
            "channels": channels.get(row.pk, []), "policy": policies.get(row.policy_id), "remind": row.remind_s,
        }  # fmt: skip


def _people(rows: TeamRows) -> Read:
    channels = _channels_of(Person.channels.through, "person", rows.team)
    for key, row in rows.sections["people"].items():
        yield key, row.name, {"name": row.name, "channels": channels.get(row.pk, [])}


def _rotations(rows: TeamRows) -> Read:
    turns = RotationMember.objects.filter(rotation__team=rows.team).order_by("position")
    people = _many(turns, "rotation", "person__public_id")
    for key, row in rows.sections["rotations"].items():
        yield key, row.name, {
            "name": row.name, "zone": row.zone, "starts_on": _iso(row.starts_on), "handover": _iso(row.handover),
            "shift": row.shift_days, "people": people.get(row.pk, []),
        }  # fmt: skip


def _policies(rows: TeamRows) -> Read:
    steps: dict[int, list[Json]] = defaultdict(list)
    found = EscalationStep.objects.filter(policy__team=rows.team).prefetch_related("channels", "people", "rotations")
    for step in found.order_by("policy_id", "position"):
        named = {
            name: [one.public_id for one in getattr(step, name).all()] for name in ("channels", "people", "rotations")
        }
        steps[step.policy_id].append({"delay_s": step.delay_s, **{name: ids for name, ids in named.items() if ids}})
    for key, row in rows.sections["policies"].items():
        yield key, row.name, {"name": row.name, "repeats": row.repeats, "steps": steps[row.pk]}


def _silences(rows: TeamRows) -> Read:
    of_team = Silence.monitors.through.objects.filter(silence__team=rows.team, monitor__deleted_at=None)
    monitors = _many(of_team, "silence", "monitor__public_id")
    plain = ("name", "reason", "mutes", "pauses", "excludes", "every_monitor", "tags", "regions", "cron", "zone")
    for key, row in rows.sections["silences"].items():
        yield key, row.name, {
            **{name: getattr(row, name) for name in plain},
            "monitors": monitors.get(row.pk, []), "duration": row.duration_s,
            "starts_at": as_moment(row.starts_at) if row.starts_at else None,
            "ends_at": as_moment(row.ends_at) if row.ends_at else None,
        }  # fmt: skip


def _objectives(rows: TeamRows) -> Read:
    monitors = {row.pk: row.public_id for row in rows.monitors.values()}
    for key, row in rows.sections["objectives"].items():
        yield key, row.name, {
            "name": row.name, "monitor": _monitor_of(row, monitors), "tag": row.tag,
            "target": float(row.target_percent), "window": row.window_days, "enabled": row.enabled,
        }  # fmt: skip


def _reports(rows: TeamRows) -> Read:
    for key, row in rows.sections["reports"].items():
        yield key, f"{row.frequency} {row.tag}".strip(), {
            "frequency": row.frequency, "recipients": row.recipients, "zone": row.zone, "tag": row.tag,
            "enabled": row.enabled,
        }  # fmt: skip


def _feeds(rows: TeamRows) -> Read:
    for key, row in rows.sections["feeds"].items():
        yield key, key.removeprefix(FEED), {"enabled": row.enabled}


def _regions(rows: TeamRows) -> Read:
    for key, row in rows.sections["regions"].items():
        yield key, row.slug, dict(region_fields(row))


_READERS: dict[str, Callable[[TeamRows], Read]] = {
    "regions": _regions,
    "channels": _channels,
    "people": _people,
    "rotations": _rotations,
    "policies": _policies,
    "monitors": _monitors,
    "heartbeats": _heartbeats,
    "composites": _composites,
    "routes": _routes,
    "silences": _silences,
    "objectives": _objectives,
    "reports": _reports,
    "feeds": _feeds,
}


def _many(rows: Any, of: str, named: str) -> Many:
    """Values of a relation by the key of the row that has them."""
    found: dict[int, list[Any]] = defaultdict(list)
    for key, value in rows.values_list(f"{of}_id", named):
        found[key].append(value)
    return found


def _channels_of(through: Any, of: str, team: Team) -> Many:
    return _many(through.objects.filter(**{f"{of}__team": team}).order_by("id"), of, "channel__public_id")


def _monitor_of(row: Any, living: Mapping[int, str]) -> str | None:
    """The monitor that a row is only about: without it, it is about none, and not about every one."""
    return None if row.monitor_id is None else living.get(row.monitor_id, DELETED)


def _iso(value: Any) -> str | None:
    return None if value is None else str(value.isoformat())
