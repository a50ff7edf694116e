"""Static files of status pages, made of their rows. Only what everyone may read is exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vigil.status.core.access import PageVisibility
from vigil.status.core.facts import PageFrame
from vigil.status.export.static_site import StaticFrame, static_site
from vigil.status.models import StatusPage
from vigil.status.reading import read_facts, read_year


class ExportError(Exception):
    """What cannot be exported, in one line."""


@dataclass(frozen=True, slots=True)
class ExportFrame:
    """How pages are framed: that of Vigil's page, the assets by their addresses there, and where the files will be."""

    of_page: Callable[[StatusPage], PageFrame]
    #: Path below a page, and bytes.
    assets: Mapping[str, tuple[str, bytes]]
    base_url: str = ""


def pages_to_export(slug: str = "") -> list[StatusPage]:
    """Public pages that are served, or the one with this address; raises ExportError."""
    rows = StatusPage.objects.filter(enabled=True).select_related("team").order_by("slug")
    if not slug:
        return list(rows.filter(visibility=PageVisibility.PUBLIC))
    row = rows.filter(slug=slug).first()
    if row is None:
        raise ExportError(f"there is no status page {slug} that is served")
    if row.visibility != PageVisibility.PUBLIC:
        raise ExportError(f"not everyone may read {slug}: files would let them")
    return [row]


def site_files(rows: Sequence[StatusPage], frame: ExportFrame, now: datetime, *, in_folders: bool) -> dict[str, bytes]:
    """The files of these pages by their paths: each page in a folder of its own, or one at the top."""
    found: dict[str, bytes] = {}
    for row in rows:
        below = f"{row.slug}/" if in_folders else ""
        # Files take no form, and know no query that names a language.
        own = replace(frame.of_page(row), subscribe="", languages=(), look="")
        if frame.base_url:
            own = replace(own, address=f"{frame.base_url}/{below}".rstrip("/"))
        paths = {address: path for address, (path, _) in frame.assets.items()}
        made = static_site(read_facts(row, now), StaticFrame(own, paths, bool(frame.base_url)), read_year(row, now))
        made |= dict(frame.assets.values())
        found |= {f"{below}{path}": body for path, body in made.items()}
    return found
