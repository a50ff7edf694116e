"""Regions of a plan: which names documents may use, how they are written, and what is left to do about their workers.

A document makes no worker and ends none. Its codes are printed once by `region add` and `region rotate` and are in no
file; a region that leaves the document is drained and stays, with its history, until it is deleted by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from vigil.code.core.document import Document
from vigil.code.core.objects import Wanted
from vigil.code.core.plan import Change, PlanAction
from vigil.code.core.tree import DocumentError, DocumentProblem, nearest, shown
from vigil.monitors.models import Region

#: Before the name of a region, as its id.
REGION = "region:"


def check_regions(document: Document) -> None:
    """Raise `DocumentError` for each named region that neither exists nor is made by the document."""
    known = set(Region.objects.values_list("slug", flat=True)) | set(document.objects["regions"])
    problems = [
        DocumentProblem(one.place, f"{section}.{key}", _no_region(name, known))
        for section in ("monitors", "silences", "maintenance")
        for key, one in document.objects[section].items()
        for name in one.fields.get("regions", ())
        if name not in known
    ]
    if problems:
        raise DocumentError(problems)


def region_warnings(document: Document, changes: Sequence[Change]) -> list[str]:
    """What the changes leave to do by hand, and regions that stay without checks."""
    found = _without_checks(document, changes)
    for change in changes:
        path = f"regions.{change.key}"
        if change.section != "regions":
            continue
        if change.action is PlanAction.CREATE:
            found.append(f"{path}: its worker is enrolled by the line that `region rotate {change.key}` prints")
        elif change.action is PlanAction.DELETE:
            found.append(
                f"{path}: it is drained and no more; `region revoke {change.key}` ends its worker, and "
                f"DELETE /api/v1/regions/{change.key} deletes it"
            )
    return found


def _without_checks(document: Document, changes: Sequence[Change]) -> list[str]:
    enabled = dict(Region.objects.values_list("slug", "enabled"))
    wanted = document.objects["regions"]
    drained = [key for key, one in wanted.items() if "enabled" not in one.fields and enabled.get(key) is False]
    found = [f"regions.{key}: it is drained and stays so; `enabled: true` sends it checks again" for key in drained]
    before = any(enabled.values())
    enabled |= {key: one.fields.get("enabled", enabled.get(key, True)) for key, one in wanted.items()}
    deleted = (one.key for one in changes if (one.section, one.action) == ("regions", PlanAction.DELETE))
    enabled |= dict.fromkeys(deleted, False)
    if before and not any(enabled.values()):
        found.append("regions: the plan leaves no enabled region, so nothing is checked")
    return found


def region_fields(row: Region) -> Mapping[str, Any]:
    """The fields of a region as documents have them."""
    return {"name": row.name or row.slug, "domain": row.domain, "egress": str(row.egress), "enabled": row.enabled}


def write_region(one: Wanted, row: Region | None) -> tuple[str, Region]:
    """Create or change a region; raises `ValidationError`."""
    row = Region(slug=one.key) if row is None else _locked(row)
    for name, value in one.fields.items():
        setattr(row, name, "" if name == "name" and value == one.key else value)
    row.full_clean()
    row.save()
    return REGION + row.slug, row


def drain_region(row: Region) -> None:
    """Send it no more checks; it finishes what it has."""
    row = _locked(row)
    row.enabled = False
    row.save(update_fields=["enabled"])


def _locked(row: Region) -> Region:
    try:
        return Region.objects.select_for_update(no_key=True).get(pk=row.pk)
    except Region.DoesNotExist:
        raise ValidationError({row.slug: ["This region has just been deleted. Plan again."]}) from None


def _no_region(name: str, known: set[str]) -> str:
    return f"regions: there is no region {shown(name)}: {nearest(name, known) if known else 'add one first'}"
