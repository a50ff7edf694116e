"""Draft of a `vigil.yaml`: collects monitors, heartbeats and channels of a source, and reports on each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from vigil.importers.core import durations
from vigil.importers.core.drafted import ImportedChannel, ImportedHeartbeat, ImportedMaintenance, ImportedMonitor
from vigil.importers.core.names import TAG_MOST, TAGS_MOST, Distinct, Owner, Variables, one_line, readable
from vigil.importers.core.reach import note_on_reach
from vigil.importers.core.report import ImportReport, Item, ItemOutcome, SourceError
from vigil.importers.core.routes import routes_of

ITEMS_MOST = 20_000
_SECTIONS = ("monitors", "heartbeats", "composites", "channels", "routes", "maintenance")


@dataclass(frozen=True, slots=True)
class Imported:
    """A document as plain data (references still marked), comments by section and key, and the report."""

    document: dict[str, Any]
    comments: dict[tuple[str, str], tuple[str, ...]]
    report: ImportReport


class Faults(Protocol):
    """What Vigil would refuse: one line each, "" for nothing; and how often a kind is checked at most (s)."""

    def of_monitor(self, monitor: ImportedMonitor) -> str: ...
    def of_channel(self, channel: ImportedChannel) -> str: ...
    def of_heartbeat(self, heartbeat: ImportedHeartbeat) -> str: ...
    def of_maintenance(self, maintenance: ImportedMaintenance) -> str: ...
    def least_interval_s(self, kind: str) -> int: ...


@dataclass(slots=True)
class Draft:
    """The document in the making."""

    source: str
    faults: Faults
    variables: Variables = field(default_factory=Variables)
    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: The source's id of a channel -> its key.
    channel_keys: dict[str, str] = field(default_factory=dict)
    _sections: dict[str, dict[str, Any]] = field(default_factory=lambda: {name: {} for name in _SECTIONS})
    _comments: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _attached: dict[str, list[str]] = field(default_factory=dict)
    _watched_keys: Distinct = field(default_factory=Distinct)
    _watched_names: Distinct = field(default_factory=Distinct)
    _channel_keys: Distinct = field(default_factory=Distinct)
    _channel_names: Distinct = field(default_factory=Distinct)
    _maintenance_keys: Distinct = field(default_factory=Distinct)

    def add_monitor(self, monitor: ImportedMonitor) -> str:
        """Add a monitor, or report why it is refused. Returns its key, "" if refused."""
        fault = self.faults.of_monitor(monitor)
        if fault:
            self.refuse("monitor", monitor.name, fault)
            return ""
        interval = durations.interval_of(monitor.interval_s, self.faults.least_interval_s(monitor.kind))
        timeout = durations.timeout_of(monitor.timeout_s, interval.seconds)
        notes = [*monitor.notes, *filter(None, (interval.note, timeout.note))]
        key, entry = self._named(monitor.name, "monitor", notes)
        if monitor.preset:
            entry |= {"preset": monitor.preset, **monitor.config}
        else:
            entry[monitor.kind] = monitor.config
        monitor.secrets = {name: value for name, value in monitor.secrets.items() if value}
        if monitor.secrets:
            entry["secrets"] = self._references(monitor.name, monitor.secrets)
        entry |= {"interval": durations.written(interval.seconds), "timeout": durations.written(timeout.seconds)}
        chosen = {"sensitivity": monitor.sensitivity, "priority": monitor.priority, "paused": monitor.paused}
        entry |= {name: value for name, value in chosen.items() if value}
        self._keep("monitors", key, entry, monitor, notes)
        return key

    def add_heartbeat(self, heartbeat: ImportedHeartbeat) -> str:
        """Add a heartbeat, or report why it is refused. Returns its key, "" if refused."""
        fault = self.faults.of_heartbeat(heartbeat)
        if fault:
            self.refuse("heartbeat", heartbeat.name, fault)
            return ""
        period = durations.heartbeat_length(heartbeat.period_s, "the period")
        grace = durations.heartbeat_length(heartbeat.grace_s, "the grace")
        notes = [*heartbeat.notes, *filter(None, ("" if heartbeat.schedule else period.note, grace.note))]
        key, entry = self._named(heartbeat.name, "heartbeat", notes)
        if heartbeat.schedule:
            entry |= {heartbeat.schedule_field: heartbeat.schedule, "time_zone": heartbeat.time_zone}
        else:
            entry["every"] = durations.written(period.seconds)
        entry["grace"] = durations.written(grace.seconds)
        if heartbeat.keywords:
            entry["keywords"] = heartbeat.keywords
        if heartbeat.paused:
            entry["paused"] = True
        self._keep("heartbeats", key, entry, heartbeat, notes)
        return key

    def add_channel(self, channel: ImportedChannel) -> str:
        """Add a channel, or report why it is refused. Returns its key, "" if refused."""
        fault = self.faults.of_channel(channel)
        if fault:
            self.refuse("channel", channel.name, fault)
            return ""
        key = self._channel_keys.key(channel.name, channel.kind)
        name = self._channel_names.name(channel.name[:90], channel.kind)
        entry: dict[str, Any] = {} if name == key else {"name": name}
        hidden = {field: str(channel.config.get(field, "")) for field in channel.secret_config}
        entry[channel.kind] = channel.config | self._references(channel.name, hidden)
        if channel.secrets:
            entry["secrets"] = self._references(channel.name, channel.secrets)
        self._sections["channels"][key] = entry
        self.channel_keys[channel.id or key] = key
        self._report("channel", channel.name, key, channel.origin, channel.notes)
        return key

    def add_composite(self, name: str, members: Sequence[str], origin: str) -> str:
        """A composite that is up while every member is."""
        key = self._watched_keys.key(name, "group")
        self._sections["composites"][key] = {
            "name": self._watched_names.name(name, key), "rule": "all", "members": list(members)
        }  # fmt: skip
        self._report("group", name, key, origin, [])
        return key

    def add_chain(self, name: str, links: Sequence[dict[str, Any]], origin: str) -> str:
        """A composite whose first link serves; it warns while none of the next could take over."""
        key = self._watched_keys.key(name, "chain")
        entry = {"name": self._watched_names.name(name, key), "rule": "readiness", "members": list(links)}
        self._sections["composites"][key] = entry
        self._report("chain", name, key, origin, [])
        return key

    def add_maintenance(self, maintenance: ImportedMaintenance) -> None:
        """Add a maintenance, or report why it is refused."""
        fault = self.faults.of_maintenance(maintenance)
        if fault:
            self.refuse("maintenance", maintenance.name, fault)
            return
        key = self._maintenance_keys.key(maintenance.name, "maintenance")
        entry: dict[str, Any] = {"name": one_line(maintenance.name, 100) or key}
        entry |= {"monitors": maintenance.monitors} if maintenance.monitors else {"every_monitor": True}
        if maintenance.counts:
            entry["excludes"] = False
        if maintenance.cron:
            length = durations.written(maintenance.length_s)
            entry |= {"cron": maintenance.cron, "duration": length, "zone": maintenance.zone}
        elif maintenance.starts and maintenance.ends:
            entry |= {"starts_at": maintenance.starts.isoformat(), "ends_at": maintenance.ends.isoformat()}
        self._sections["maintenance"][key] = entry
        self._report("maintenance", maintenance.name, key, maintenance.origin, maintenance.notes)

    def refuse(self, what: str, name: str, *why: str) -> None:
        """Report an item that is not in the file, why, and what to do instead."""
        self._count(Item(what, one_line(name, 80) or "(no name)", ItemOutcome.REFUSED, notes=tuple(why)))

    def note(self, text: str) -> None:
        if readable(text) not in self.notes:
            self.notes.append(readable(text))

    def owner(self, name: str) -> Owner:
        return Owner(self.variables, name)

    def attach(self, channel_id: str, key: str) -> None:
        self._attached.setdefault(channel_id, []).append(key)

    def imported(self) -> Imported:
        """Everything that was added, with a route for each channel that some monitor alerts."""
        watched = {**self._sections["monitors"], **self._sections["heartbeats"]}
        attached: dict[str, list[str]] = {}
        for id, keys in self._attached.items():
            if id in self.channel_keys:
                attached.setdefault(self.channel_keys[id], []).extend(keys)
        lost = sorted(set(self._attached) - set(self.channel_keys))
        if lost:
            self.note(
                f"{len(lost)} channels that monitors alert are not in the file: add them and their routes by hand"
            )
        if not self.items:
            self.note("the source holds nothing to import")
        reach = note_on_reach(self._sections["monitors"])
        if reach:
            self.note(reach)
        routes, notes = routes_of(attached, watched)
        self._sections["routes"] |= routes
        for note in notes:
            self.note(note)
        document = {"version": 1, **{name: section for name, section in self._sections.items() if section}}
        report = ImportReport(self.source, tuple(self.items), self.variables.listed(document), tuple(self.notes))
        return Imported(document, self._comments, report)

    def _named(self, name: str, what: str, notes: list[str]) -> tuple[str, dict[str, Any]]:
        key = self._watched_keys.key(name, what)
        shown = self._watched_names.name(name, key)
        if shown != readable(name).strip():
            notes.append(f"its name is written {shown!r} here")
        return key, {} if shown == key else {"name": shown}

    def _keep(
        self, section: str, key: str, entry: dict[str, Any], of: ImportedMonitor | ImportedHeartbeat, notes: list[str]
    ) -> None:
        tags = [tag for tag in dict.fromkeys(one_line(tag, TAG_MOST) for tag in of.tags) if tag]
        if len(tags) > TAGS_MOST - 5:
            notes.append(f"only the first {TAGS_MOST - 5} of its {len(tags)} tags are kept")
        if tags:
            entry["tags"] = tags[: TAGS_MOST - 5]
        self._sections[section][key] = entry
        for channel in of.channels:
            self.attach(channel, key)
        self._report(section.removesuffix("s"), of.name, key, of.origin, notes)

    def _report(self, what: str, name: str, key: str, origin: str, notes: Sequence[str]) -> None:
        section = {"group": "composites", "chain": "composites", "maintenance": "maintenance"}.get(what, f"{what}s")
        self._comments[section, key] = tuple(map(readable, (origin, *notes)))
        outcome = ItemOutcome.APPROXIMATED if notes else ItemOutcome.MAPPED
        self._count(Item(what, one_line(name, 80) or key, outcome, key, tuple(notes)))

    def _count(self, item: Item) -> None:
        if len(self.items) >= ITEMS_MOST:
            raise SourceError(f"the source has more than {ITEMS_MOST} items: import it in parts")
        self.items.append(replace(item, notes=tuple(map(readable, item.notes))))

    def _references(self, owner: str, secrets: dict[str, str]) -> dict[str, str]:
        return {name: self.variables.secret(value, owner, name) for name, value in secrets.items()}
