"""Faults of drafts: whatever Vigil would refuse is found here, before it stands in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from probes.prober import SpecError
from probes.probers import PROBERS, parse_spec, validate_secrets
from vigil.alerts.channels import CHANNELS, ChannelSettingsError, check_channel
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind, problem_of
from vigil.heartbeats.core.zones import zone_of
from vigil.importers.core.drafted import ImportedChannel, ImportedHeartbeat, ImportedMaintenance, ImportedMonitor
from vigil.importers.core.names import has_reference, with_placeholders
from vigil.importers.core.values import REFERENCE_END, REFERENCE_START
from vigil.silences.core.windows import ScheduleError, WindowSchedule, check

_WHOLE_ADDRESS = re.compile(f"{REFERENCE_START}[^{REFERENCE_END}]*{REFERENCE_END}(?=/|$)")
_PORT = re.compile(f":{REFERENCE_START}[^{REFERENCE_END}]*{REFERENCE_END}(?=[/?]|$)")
_ADDRESS_FIELDS = ("url", "server")


@dataclass(frozen=True, slots=True)
class VigilFaults:
    """Faults by the rules that the API has. `now` decides only whether a schedule has a time to come."""

    now: datetime

    def of_monitor(self, monitor: ImportedMonitor) -> str:
        """Why Vigil would refuse a monitor; "" if it takes it. References count as some valid text."""
        if monitor.preset:
            return ""
        try:
            parse_spec(monitor.kind, stood_in(monitor.config))
            known = {name: value for name, value in monitor.secrets.items() if not has_reference(value)}
            validate_secrets(monitor.kind, known)
        except SpecError as error:
            return str(error)
        return ""

    def of_channel(self, channel: ImportedChannel) -> str:
        """Why Vigil would refuse a channel; one with references is checked where their values are known."""
        if has_reference(channel.secrets) or has_reference(channel.config):
            return ""
        try:
            made = {name: "x" * 32 for name, secret in CHANNELS[channel.kind].secrets.items() if secret.generated}
            check_channel(channel.kind, channel.config, {**made, **channel.secrets})
        except ChannelSettingsError as error:
            return f"{error.field}: {error.problem}"
        return ""

    def of_heartbeat(self, heartbeat: ImportedHeartbeat) -> str:
        if not heartbeat.schedule:
            return ""
        kind = ScheduleKind.CRON if heartbeat.schedule_field == "cron" else ScheduleKind.ONCALENDAR
        schedule = JobSchedule(kind, expression=heartbeat.schedule, zone=heartbeat.time_zone)
        field, problem = problem_of(schedule, self.now)
        return f"{field}: {problem}" if problem else ""

    def of_maintenance(self, maintenance: ImportedMaintenance) -> str:
        if zone_of(maintenance.zone) is None:
            return f"there is no time zone {maintenance.zone[:60]!r}"
        schedule = WindowSchedule(
            maintenance.starts,
            maintenance.ends,
            maintenance.cron,
            timedelta(seconds=maintenance.length_s),
            maintenance.zone,
        )
        try:
            check(schedule)
        except ScheduleError as error:
            return str(error)
        return ""

    def least_interval_s(self, kind: str) -> int:
        return PROBERS[kind].least_interval_s if kind in PROBERS else 0


def stood_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with something valid in the place of every reference."""
    return {name: _stood_in(value, name in _ADDRESS_FIELDS) for name, value in config.items()}


def _stood_in(value: Any, is_address: bool = False) -> Any:
    if isinstance(value, str):
        if is_address and value.startswith(REFERENCE_START):
            value = _WHOLE_ADDRESS.sub("https://placeholder.example", value, count=1)
        if is_address:
            value = _PORT.sub(":443", value, count=1)
        return with_placeholders(value)
    if isinstance(value, Mapping):
        return {key: _stood_in(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_stood_in(each) for each in value]
    return value
