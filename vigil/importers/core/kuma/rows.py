"""Rows of Uptime Kuma under the names of its columns, whether out of a database or out of a JSON backup. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vigil.importers.core.report import SourceError
from vigil.importers.core.values import entries, from_json, mapping, mappings, snake, text, truth, whole

Row = dict[str, Any]


@dataclass(slots=True)
class KumaRows:
    """What is imported: monitors by id, and what belongs to them."""

    monitors: dict[int, Row]
    notifications: dict[int, Row] = field(default_factory=dict)
    #: Monitor -> its notifications, and its tags.
    alerted: dict[int, list[int]] = field(default_factory=dict)
    tags: dict[int, list[str]] = field(default_factory=dict)
    proxies: dict[int, Row] = field(default_factory=dict)
    status_pages: list[Row] = field(default_factory=list)
    maintenances: list[Row] = field(default_factory=list)
    maintained: dict[int, list[int]] = field(default_factory=dict)
    expiry_days: int = 21
    #: Time zone of the server, "" where the file does not say.
    zone: str = ""

    def active(self, row: Row) -> bool:
        """Whether it is checked: neither it nor a group around it is paused."""
        seen: set[int] = set()
        while truth(row.get("active"), True):
            parent = whole(row.get("parent"))
            if parent is None or parent in seen or parent not in self.monitors:
                return True
            seen.add(parent)
            row = self.monitors[parent]
        return False


def rows_of(document: Any) -> KumaRows:
    """Rows of a database (`tables`) or of a JSON backup; raises `SourceError`."""
    if isinstance(document, dict) and "tables" in document:
        return _of_tables(document["tables"])
    if isinstance(document, dict) and "monitorList" in document:
        return _of_backup(document)
    listed = list(mappings(document))
    if listed and all("type" in each and "name" in each for each in listed):
        return _of_backup({"monitorList": listed})
    raise SourceError("this is neither a database nor a JSON backup of Uptime Kuma: it has no `monitorList`")


def _of_tables(tables: dict[str, list[Row]]) -> KumaRows:
    made = KumaRows(_by_id(tables["monitor"]), _by_id(tables.get("notification", [])))
    made.proxies = _by_id(tables.get("proxy", []))
    made.status_pages = tables.get("status_page", [])
    made.maintenances = [snake(each) for each in tables.get("maintenance", [])]
    made.alerted = _pairs(tables.get("monitor_notification", []), "monitor_id", "notification_id")
    made.maintained = _pairs(tables.get("monitor_maintenance", []), "maintenance_id", "monitor_id")
    names = {id: text(row.get("name")) for id, row in _by_id(tables.get("tag", [])).items()}
    for row in tables.get("monitor_tag", []):
        monitor, tag = whole(row.get("monitor_id")), whole(row.get("tag_id"))
        if monitor is not None and tag in names:
            made.tags.setdefault(monitor, []).append(_tag(names[tag], text(row.get("value"))))
    for row in tables.get("setting", []):
        days = [whole(each) or 0 for each in entries(from_json(row.get("value")))]
        if row.get("key") == "tlsExpiryNotifyDays" and days:
            made.expiry_days = min(max(*days, 1), 365)
        if row.get("key") == "serverTimezone":
            # The value is JSON: a text in quotes.
            made.zone = text(from_json(row.get("value")) or row.get("value")).strip()
    return made


def _of_backup(backup: Row) -> KumaRows:
    monitors = [snake(each) for each in mappings(backup.get("monitorList"))]
    for number, row in enumerate(monitors, 1):
        row.setdefault("id", number)
    made = KumaRows(_by_id(monitors), _by_id([snake(each) for each in mappings(backup.get("notificationList"))]))
    made.proxies = _by_id([snake(each) for each in mappings(backup.get("proxyList"))])
    for id, row in made.monitors.items():
        chosen = row.get("notification_id_list") or {}
        listed = chosen if isinstance(chosen, list) else [key for key, on in mapping(chosen).items() if truth(on)]
        made.alerted[id] = [number for number in map(whole, listed) if number is not None]
        made.tags[id] = [_tag(text(each.get("name")), text(each.get("value"))) for each in mappings(row.get("tags"))]
    return made


def _by_id(rows: list[Row]) -> dict[int, Row]:
    """Rows by id; one whose id is missing or taken has a number of its own, so that none is lost."""
    made: dict[int, Row] = {}
    for place, row in enumerate(map(snake, rows), 1):
        id = whole(row.get("id"))
        made[-place if id is None or id in made else id] = row
    return made


def _pairs(rows: list[Row], of: str, to: str) -> dict[int, list[int]]:
    made: dict[int, list[int]] = {}
    for row in rows:
        first, second = whole(row.get(of)), whole(row.get(to))
        if first is not None and second is not None:
            made.setdefault(first, []).append(second)
    return made


def _tag(name: str, value: str) -> str:
    return f"{name}:{value}" if value.strip() else name
