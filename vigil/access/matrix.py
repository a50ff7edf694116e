"""Region matrix of a team: a row a host of a provider, a cell a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from vigil.access.models import RegionAccess
from vigil.accounts.models import Team
from vigil.monitors.core.providers import name_of

#: Cells that are read at most.
CELLS_MOST = 5_000


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One host of a provider, and what each region may do there, by the name of the region."""

    provider: str
    name: str
    host: str
    regions: Sequence[RegionAccess]


def read_matrix(team: Team) -> list[MatrixRow]:
    """Every host that the team's monitors of providers ask, by provider and host."""
    rows = RegionAccess.objects.filter(team=team).order_by("provider", "host", "region")[:CELLS_MOST]
    return [
        MatrixRow(provider, name_of(provider) or host, host, list(cells))
        for (provider, host), cells in groupby(rows, key=lambda row: (row.provider, row.host))
    ]
