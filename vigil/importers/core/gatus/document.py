"""Gatus document: endpoints, external endpoints, suites, alerting and maintenance of a configuration. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat, ImportedMaintenance
from vigil.importers.core.gatus.alerting import add_channels, with_defaults
from vigil.importers.core.gatus.endpoints import add_endpoint, name_of
from vigil.importers.core.gatus.environment import refuse_encrypted, with_references
from vigil.importers.core.names import has_reference
from vigil.importers.core.report import SourceError
from vigil.importers.core.values import entries, mapping, mappings, seconds, text, truth

#: Before 2021 endpoints were called services.
SECTIONS = ("endpoints", "external-endpoints", "suites", "services")
#: Settings of Gatus itself, which say nothing of what it watches.
_OWN = frozenset(
    {"alerting", "announcements", "concurrency", "connectivity", "debug", "disable-monitoring-lock", "maintenance",
     "metrics", "remote", "security", "skip-invalid-config-update", "storage", "tunneling", "ui", "web"}
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def plan(document: Any, draft: Draft) -> None:
    """Add everything in a merged configuration; raises `SourceError`."""
    refuse_encrypted(document)
    if not isinstance(document, dict) or not any(isinstance(document.get(name), list) for name in SECTIONS):
        raise SourceError("this is no Gatus configuration: it has no `endpoints`, `external-endpoints` or `suites`")
    found = with_references(document, draft.variables)
    alerting = found.get("alerting")
    watched = [with_defaults(each, alerting) for each in mappings([*entries(found.get("endpoints")),
                                                                   *entries(found.get("services"))])]  # fmt: skip
    external = [with_defaults(each, alerting) for each in mappings(found.get("external-endpoints"))]
    steps = [(text(suite.get("name")), with_defaults(_of_suite(step, suite), alerting))
             for suite in mappings(found.get("suites")) for step in mappings(suite.get("endpoints"))]  # fmt: skip
    used = {
        f"{text(alert.get('type'))}|{text(one.get('group'))}"
        for one in [*watched, *external, *(step for _, step in steps)]
        for alert in mappings(one.get("alerts"))
    }
    add_channels(draft, alerting, used)
    for endpoint in watched:
        key = add_endpoint(draft, endpoint, f"Gatus endpoint {name_of(endpoint)}")
        for window in mappings(endpoint.get("maintenance-windows")):
            if key:
                _add_maintenance(draft, window, name_of(endpoint), [key])
    for endpoint in external:
        _add_external(draft, endpoint)
    for suite_name, step in steps:
        add_endpoint(draft, step, f"step of the Gatus suite {suite_name}, which Vigil watches alone", suite_name)
    if mapping(found.get("maintenance")):
        _add_maintenance(draft, mapping(found["maintenance"]), "all", [])
    for name in sorted(found.keys() - {*SECTIONS} - _OWN):
        if not name.startswith(("x-", ".", "_")):
            draft.note(f"the section `{name[:60]}` is not known and was left out")
    _note_own(draft, found)


def _of_suite(step: dict[str, Any], suite: dict[str, Any]) -> dict[str, Any]:
    """A step with what its suite says for all of them; a suite runs every ten minutes unless it says so."""
    enabled = truth(suite.get("enabled"), True) and truth(step.get("enabled"), True)
    return {**step, "interval": suite.get("interval") or "10m", "enabled": enabled}


def _note_own(draft: Draft, found: dict[str, Any]) -> None:
    if found.get("remote"):
        draft.note("`remote` instances are not followed: import the file of each")
    if found.get("announcements"):
        draft.note("`announcements` are texts of a status page and are left out")
    if any(
        "[BODY]." in text(each) for one in mappings(found.get("endpoints")) for each in entries(one.get("conditions"))
    ):
        draft.note("values in a JSON body are compared by type as well: the number 1 is not the text '1'")


def _add_external(draft: Draft, endpoint: dict[str, Any]) -> None:
    name = name_of(endpoint)
    interval = seconds(mapping(endpoint.get("heartbeat")).get("interval"))
    group = text(endpoint.get("group"))
    heartbeat = ImportedHeartbeat(name, f"Gatus external endpoint {name}", tags=[group] if group else [])
    heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
    if interval:
        heartbeat.period_s, heartbeat.grace_s = interval, 60
    else:
        heartbeat.notes.append("Gatus waits for no push of it: Vigil expects one a day")
    heartbeat.channels = list(dict.fromkeys(
        f"{text(each.get('type'))}|{group}" for each in mappings(endpoint.get("alerts"))
        if truth(each.get("enabled"), True)
    ))  # fmt: skip
    draft.add_heartbeat(heartbeat)


def _add_maintenance(draft: Draft, window: dict[str, Any], owner: str, monitors: list[str]) -> None:
    if not truth(window.get("enabled"), True) or not text(window.get("start")):
        return
    if has_reference([window.get(field) for field in ("start", "duration", "timezone", "every")]):
        draft.refuse("maintenance", owner, "its time or time zone comes from a variable: write it in")
        return
    hour, colon, minute = text(window["start"]).partition(":")
    if not (hour.isdigit() and colon and minute.isdigit()):
        draft.refuse("maintenance", owner, "its start is no time like 23:00")
        return
    chosen = [text(each).strip().lower() for each in entries(window.get("every"))]
    days = ",".join(str((_DAYS.index(day) + 1) % 7) for day in chosen if day in _DAYS) or "*"
    # Gatus only sends no alerts then: the time counts.
    made = ImportedMaintenance(f"maintenance of {owner}", f"Gatus maintenance of {owner}", monitors, counts=True)
    made.cron, made.zone = f"{int(minute)} {int(hour)} * * {days}", text(window.get("timezone")).strip() or "UTC"
    made.length_s = round(seconds(window.get("duration")) or 0)
    draft.add_maintenance(made)
