"""Section `status_pages` of documents: pages and components as they are stored, and through their own write path.

A password, pictures and what is said of incidents stay as they are: they are no part of a document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from vigil.code.core.fields.types import Json
from vigil.code.core.objects import Wanted
from vigil.code.stored.registered import REGISTERED, RegisteredSection
from vigil.code.stored.rows import TeamRows
from vigil.code.stored.writing import Writing
from vigil.status.changes import delete_status_page, save_status_page
from vigil.status.models import PageComponent, StatusPage

SECTION = "status_pages"
_PLAIN = (
    "slug", "header", "footer", "visibility", "networks", "domain", "language", "accent", "subscriber_kinds", "enabled",
)  # fmt: skip
_OF_COMPONENT = ("name", "group", "description", "tag", "provider", "shows_latency")


def register() -> None:
    """Let documents hold status pages."""
    REGISTERED[SECTION] = RegisteredSection(StatusPage, _read, _write, delete_status_page)


def _read(rows: TeamRows) -> Iterable[tuple[str, str, Json]]:
    monitors = {row.pk: row.public_id for row in rows.monitors.values()}
    parts: dict[int, list[Json]] = defaultdict(list)
    for one in PageComponent.objects.filter(page__team=rows.team).order_by("page_id", "position", "id"):
        # One about a deleted monitor shows nothing, and no document can name it.
        if one.monitor_id is None or one.monitor_id in monitors:
            part = {name: getattr(one, name) for name in _OF_COMPONENT}
            parts[one.page_id].append({**part, "monitor": monitors.get(one.monitor_id or 0)})
    for key, row in rows.sections[SECTION].items():
        fields = {name: getattr(row, name) for name in _PLAIN}
        yield key, row.title, {"name": row.title, **fields, "components": parts[row.pk]}


def _write(writing: Writing, one: Wanted, row: Any) -> tuple[str, Any]:
    wanted = dict(one.fields)
    wanted["title"] = wanted.pop("name")
    wanted["components"] = [
        {**part, "monitor": writing.monitor(part["monitor"]) if part.get("monitor") else None}
        for part in wanted["components"]
    ]
    saved = save_status_page(row or StatusPage(team=writing.rows.team), wanted)
    return saved.public_id, saved
