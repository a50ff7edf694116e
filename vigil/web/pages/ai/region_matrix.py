"""Region matrix: which regions may use which providers, since when, and by which evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.access.core.region_access import KEPT_OUT, KEPT_OUT_WORDS, Access
from vigil.access.matrix import MatrixRow, read_matrix
from vigil.access.models import RegionAccess
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.marks import StateMark, mark

#: Cells with their evidence below the table.
TOLD_MOST = 100
_MARKS = {
    Access.MAY_USE: (ShownState.UP, "May use"),
    Access.REFUSED_BY_GEOGRAPHY: (ShownState.DEGRADED, "Geography"),
    Access.INTERFERED: (ShownState.DEGRADED, "Interfered"),
    Access.FILTERED: (ShownState.DEGRADED, "Bot filter"),
    Access.NO_KEY: (ShownState.UNKNOWN, "No key"),
    Access.DOWN: (ShownState.DOWN, "Down"),
    Access.UNKNOWN: (ShownState.UNKNOWN, "Unknown"),
}


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One region at one host; None where no monitor looks from there."""

    region: str
    mark: StateMark | None
    row: RegionAccess | None


@dataclass(frozen=True, slots=True)
class KeptOut:
    """A region that is kept out, in words."""

    mark: StateMark
    says: str
    row: RegionAccess


@require_safe
@page
def region_matrix(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The table of hosts and regions, and below it the evidence for each region that is kept out."""
    rows = read_matrix(reader.team)
    regions = sorted({cell.region for row in rows for cell in row.regions})
    out = [_kept_out(row, cell) for row in rows for cell in row.regions if Access(cell.access) in KEPT_OUT]
    shown = {
        "regions": regions,
        "lines": [(row, _cells(row, regions)) for row in rows],
        "out": out[:TOLD_MOST],
        "count": len(out),
        "marks": [mark(state, word) for state, word in _MARKS.values()],
    }
    return render_page(request, reader, "providers", "ai/region_matrix.html", shown)


def _cells(row: MatrixRow, regions: Sequence[str]) -> list[MatrixCell]:
    there = {cell.region: cell for cell in row.regions}
    return [MatrixCell(region, _mark(there.get(region)), there.get(region)) for region in regions]


def _mark(cell: RegionAccess | None) -> StateMark | None:
    return mark(*_MARKS[Access(cell.access)]) if cell is not None else None


def _kept_out(row: MatrixRow, cell: RegionAccess) -> KeptOut:
    access = Access(cell.access)
    return KeptOut(mark(*_MARKS[access]), f"{row.host} {KEPT_OUT_WORDS[access]} {cell.region}", cell)
