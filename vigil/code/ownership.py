"""Ownership of objects by projects: adoption, and where an object is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, OuterRef, Subquery, Value
from django.db.models.functions import Concat, JSONObject

from vigil.accounts.models import Team
from vigil.code.core.fields.types import KEY, PUBLIC_ID
from vigil.code.core.sections.installation import INSTALLATION
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.state import Address
from vigil.code.core.tree import NOWHERE, nearest, refuse, shown
from vigil.code.export import keyed_objects
from vigil.code.models import ManagedObject
from vigil.code.stored.rows import load_rows


def adopt(team: Team, project: str, address: Address, public_id: str) -> ManagedObject:
    """Let an address of a project stand for an object as it is; raises `DocumentError`."""
    section, key = address
    path = f"{section}.{key}"
    if section not in SECTIONS or section in INSTALLATION:
        raise refuse(NOWHERE, f"unknown section {shown(section)}: {nearest(section, SECTIONS)}", path)
    if not KEY.match(key) or PUBLIC_ID.match(key) or not KEY.match(project):
        raise refuse(NOWHERE, "a key has the letters a to z, digits, dots, hyphens and underscores", path)
    there = load_rows(team).sections["silences" if section == "maintenance" else section]
    if public_id not in there:
        raise refuse(NOWHERE, f"there is no {SECTIONS[section].noun} {shown(public_id)}", path)
    try:
        with transaction.atomic():
            found, _ = ManagedObject.objects.get_or_create(
                team=team, project=project, section=section, key=key, defaults={"public_id": public_id}
            )
    except IntegrityError:
        owner = ManagedObject.objects.filter(team=team, public_id=public_id).first()
        raise refuse(NOWHERE, f"it belongs to {owner or 'another project'}", path) from None
    if found.public_id != public_id:
        if found.public_id in there:
            raise refuse(NOWHERE, f"this key stands for {found.public_id}", path)
        found.public_id = public_id
        found.save(update_fields=["public_id"])
    return found


@transaction.atomic
def adopt_everything(team: Team, project: str) -> list[ManagedObject]:
    """Let a project stand for all that no project owns, under the keys that an export of everything gives.

    Regions are of the installation: a document takes one over by naming it. Raises `DocumentError`.
    """
    managed = {row.public_id: row for row in ManagedObject.objects.filter(team=team, project=project)}
    return [
        adopt(team, project, (section, key), one.public_id)
        for section, key, one in keyed_objects(team, project, managed, everything=True, is_staff=False)
        if one.public_id not in managed
    ]


def owner_of_row(row: Model) -> ManagedObject | None:
    """Who owns the object of a row, and where it is written; None for what people manage by hand."""
    public_id = getattr(row, "public_id", None) or getattr(getattr(row, "monitor", None), "public_id", None)
    return ManagedObject.objects.filter(public_id=public_id).first() if public_id else None


def owner_column(path: str = "") -> Subquery:
    """The owner of each row of a query, read with it: `project`, `place`, `file` and `line`, or None.

    `path` leads from the row to what has the id, such as `monitor__`.
    """
    own = ManagedObject.objects.filter(team=OuterRef(f"{path}team"), public_id=OuterRef(f"{path}public_id"))
    place = Concat("section", Value("."), "key")
    return Subquery(own.values(owner=JSONObject(project="project", place=place, file="file", line="line"))[:1])


def owner_shown(owner: ManagedObject | None) -> dict[str, Any] | None:
    """An owner as `owner_column` gives it."""
    if owner is None:
        return None
    place = f"{owner.section}.{owner.key}"
    return {"project": owner.project, "place": place, "file": owner.file, "line": owner.line}


def managed_in_words(owner: ManagedObject) -> str:
    """Where an object is written, and what follows for changes by hand."""
    return drift_in_words(owner.project, f"{owner.section}.{owner.key}", owner.file, owner.line)


def managed_rows_in_words(rows: Iterable[Any], named: int) -> list[str]:
    """The same for each of these rows that a project owns: at most so many, and how many more there are."""
    ids = [row.public_id for row in rows]
    owners = list(ManagedObject.objects.filter(public_id__in=ids)) if ids else []
    words = [managed_in_words(owner) for owner in owners[:named]]
    more = len(owners) - len(words)
    return [*words, f"{more} more are managed by code too."] if more else words


def drift_in_words(project: str, place: str, file: str, line: int) -> str:
    """The same for an owner by its parts."""
    written = f" in {file}:{line}" if file else ""
    return (
        f"Managed by code: {place}{written}, project {project}. A change here is drift: the next plan shows it, and "
        "applying that plan undoes it."
    )
