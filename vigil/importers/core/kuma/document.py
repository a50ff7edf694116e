"""Uptime Kuma document: monitors, push monitors, groups, notifications and maintenances of an installation. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.confirmation import NOT_REPEATED, sensitivity_for
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat, ImportedMonitor
from vigil.importers.core.kuma.maintenances import add_maintenance
from vigil.importers.core.kuma.monitors import monitor_of
from vigil.importers.core.kuma.notifications import add_notifications
from vigil.importers.core.kuma.rows import KumaRows, Row, rows_of
from vigil.importers.core.requests import host_and_port
from vigil.importers.core.values import entries, from_json, number, text, truth, whole

_MEMBERS_MOST = 200


def plan(document: Any, draft: Draft) -> None:
    """Add everything of an installation; raises `SourceError`."""
    rows = rows_of(document)
    add_notifications(draft, rows)
    keys: dict[int, str] = {}
    for id, row in sorted(rows.monitors.items()):
        kind = text(row.get("type"))
        if kind == "push":
            keys[id] = _add_push(draft, rows, id, row)
        elif kind != "group":
            keys[id] = _add_monitor(draft, rows, id, row)
    _add_groups(draft, rows, keys)
    _add_domains(draft, rows)
    for row in rows.maintenances:
        add_maintenance(draft, rows, row, keys)
    for page in rows.status_pages:
        draft.refuse("status page", text(page.get("title") or page.get("slug")), "build it in Vigil from the monitors")


def _add_monitor(draft: Draft, rows: KumaRows, id: int, row: Row) -> str:
    name = text(row.get("name")) or f"monitor {id}"
    made = monitor_of(draft, rows, {**row, "name": name}, f"Uptime Kuma monitor {id} ({text(row.get('type'))})")
    if isinstance(made, str):
        draft.refuse("monitor", name, made)
        return ""
    made.interval_s = number(row.get("interval")) or 60
    timeout = number(row.get("timeout"))
    made.timeout_s = timeout if timeout and timeout > 0 else min(made.interval_s * 0.8, 48)
    made.paused = not rows.active(row)
    made.tags += [*_group_names(rows, row), *rows.tags.get(id, [])]
    made.channels = [str(each) for each in rows.alerted.get(id, [])]
    made.sensitivity, notes = sensitivity_for(_wait_s(row))
    made.notes += [*notes, *_notes(rows, row, made)]
    return draft.add_monitor(made)


def _wait_s(row: Row) -> float | None:
    retries = whole(row.get("maxretries"))
    if retries is None:
        return None
    return retries * (number(row.get("retry_interval")) or number(row.get("interval")) or 60)


def _notes(rows: KumaRows, row: Row, made: ImportedMonitor) -> list[str]:
    notes = []
    proxy = rows.proxies.get(whole(row.get("proxy_id")) or -1)
    if whole(row.get("proxy_id")) and (proxy is None or truth(proxy.get("active"), True)):
        notes.append("it is checked directly, without its proxy: run a region where it can be reached")
    if made.kind != "dns" and entries(from_json(row.get("conditions"))):
        notes.append("its conditions on the answer are left out")
    if whole(row.get("packet_size")) not in (None, 56) and made.kind == "icmp":
        notes.append("its echoes are of the usual size")
    if whole(row.get("resend_interval")):
        notes.append(NOT_REPEATED)
    return notes


def _add_push(draft: Draft, rows: KumaRows, id: int, row: Row) -> str:
    name = text(row.get("name")) or f"monitor {id}"
    if truth(row.get("upside_down")):
        draft.refuse("heartbeat", name, "it is up while nothing calls it, which no heartbeat here asks for")
        return ""
    heartbeat = ImportedHeartbeat(name, f"Uptime Kuma monitor {id} (push)")
    heartbeat.period_s = number(row.get("interval")) or 60
    heartbeat.grace_s = max(60.0, _wait_s(row) or 0)
    heartbeat.paused = not rows.active(row)
    heartbeat.tags = [*_group_names(rows, row), *rows.tags.get(id, [])]
    heartbeat.channels = [str(each) for each in rows.alerted.get(id, [])]
    heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
    return draft.add_heartbeat(heartbeat)


def _group_names(rows: KumaRows, row: Row) -> list[str]:
    """Names of the groups around a monitor, as tags."""
    names, seen = [], set()
    parent = whole(row.get("parent"))
    while parent is not None and parent in rows.monitors and parent not in seen:
        seen.add(parent)
        names.append(text(rows.monitors[parent].get("name")))
        parent = whole(rows.monitors[parent].get("parent"))
    return names


def _add_groups(draft: Draft, rows: KumaRows, keys: dict[int, str]) -> None:
    """A composite for each group, of all that is in it, also in groups within it."""
    for id, row in sorted(rows.monitors.items()):
        if text(row.get("type")) != "group":
            continue
        name = text(row.get("name")) or f"group {id}"
        members = [key for member, key in keys.items() if key and id in _ancestors(rows, member)]
        if not members:
            draft.refuse("group", name, "nothing that is in it is in the file")
        elif len(members) > _MEMBERS_MOST:
            draft.refuse("group", name, f"it has {len(members)} members, and a composite at most {_MEMBERS_MOST}")
        else:
            draft.add_composite(name, members, f"Uptime Kuma group {id}")
            for channel in rows.alerted.get(id, []):
                for key in members:
                    draft.attach(str(channel), key)


def _ancestors(rows: KumaRows, id: int) -> set[int]:
    found: set[int] = set()
    parent = whole(rows.monitors[id].get("parent"))
    while parent is not None and parent in rows.monitors and parent not in found:
        found.add(parent)
        parent = whole(rows.monitors[parent].get("parent"))
    return found


def _add_domains(draft: Draft, rows: KumaRows) -> None:
    """A domain monitor for each name whose expiry is notified; many monitors share one."""
    names: dict[str, bool] = {}
    for row in rows.monitors.values():
        if not truth(row.get("domain_expiry_notification")) or text(row.get("type")) in ("group", "push"):
            continue
        host = host_and_port(
            text(row.get("url")) if text(row.get("url")).strip("htps:/") else text(row.get("hostname"))
        )[0]
        labels = host.lower().split(".")
        if len(labels) > 1 and not labels[-1].isdigit() and ":" not in host:
            size = 3 if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else 2
            name = ".".join(labels[-size:])
            names[name] = names.get(name, False) or rows.active(row)
    for name, active in names.items():
        domain = ImportedMonitor(
            f"{name} (domain)", "domain", {"domain": name}, "Uptime Kuma domain expiry notification"
        )
        domain.interval_s, domain.paused = 86_400 / 4, not active
        draft.add_monitor(domain)
