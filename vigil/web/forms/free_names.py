"""Names that are free: the wanted one, or with the next number."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

_LONGEST = 100


def free_name(wanted: str, rows: QuerySet[Any]) -> str:
    """`wanted` if no row has this name, else with ` 2`, ` 3` and so on."""
    base = wanted[:_LONGEST]
    taken = set(rows.filter(name__startswith=base).values_list("name", flat=True))
    names = (wanted, *(f"{base} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
