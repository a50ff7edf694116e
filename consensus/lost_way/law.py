"""Law of lost regions: many unrelated targets fail in the same regions, and other regions see them well. Pure.

The table has a row for each target that several regions looked at in the same moment. A target that fails in its row
alone is down, however few regions see it well. Regions in which most of their column fails, while others pass just
those rows, have lost their way: it is one event of those regions, and no outage of the targets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

from consensus.proof import ComparedRow, LostWay

#: At least so many unrelated sites fail in exactly the same regions. Fewer may share something that Vigil cannot see.
SITES = 5
#: Of the sites that each of these regions looked at, this part fails at least: what it reaches was not lost.
SHARE = 0.75
#: So many regions see those targets well, in two domains where there are three: one region proves nothing.
SEEING = 2
#: Rows kept as evidence.
ROWS_KEPT = 40


def decide(rows: Sequence[ComparedRow], domains: Mapping[str, str]) -> LostWay | None:
    """The regions that have lost their way, or None while the table does not prove it.

    1. At least `SITES` unrelated sites fail in exactly the same regions, and pass in others.
    2. At least `SEEING` regions pass all of those that they looked at, in two domains where there are three.
    3. Those that fail are as many as those that see, or more; fewer are sick by the rule for one region.
    4. Each of them fails most of the sites that it looked at, without those that no region passes.
    """
    told = [row for row in rows if row.passing and row.failing]
    together = Counter(frozenset(row.failing) for row in told)
    for lost, _ in sorted(together.items(), key=lambda found: (-found[1], sorted(found[0]))):
        own = [row for row in told if frozenset(row.failing) == lost]
        sites = count_sites(own)
        if sites < SITES:
            continue
        seeing = _seeing(own)
        if not may_judge(seeing, lost, domains) or any(reaches(region, rows, sites) for region in lost):
            continue
        placed = {region: domains.get(region, region) for region in sorted({*domains, *lost, *seeing})}
        return LostWay(sorted(lost), sorted(seeing), sites, len(own), _evidence(own, rows, lost), placed)
    return None


def may_judge(seeing: Set[str], lost: Set[str], domains: Mapping[str, str]) -> bool:
    """Whether regions that pass could prove that others have lost their way, and are not the majority themselves."""
    if len(seeing) < SEEING or len(lost) < len(seeing):
        return False
    present = {domains.get(region, region) for region in {*seeing, *lost, *domains}}
    return len(present) < 3 or len({domains.get(region, region) for region in seeing}) >= 2


def count_sites(rows: Iterable[ComparedRow]) -> int:
    """How many unrelated sites: those of rows that share any site are one."""
    groups: list[set[str]] = []
    for row in rows:
        if not row.sites:
            continue
        joined = set(row.sites)
        apart = []
        for group in groups:
            if group & joined:
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return len(groups)


def replay(found: LostWay) -> LostWay | None:
    """The decision again from its own evidence; the counts are of the rows that were kept."""
    return decide(found.rows, found.domains)


def is_same(stored: LostWay, again: LostWay | None) -> bool:
    """Whether a replay found the same regions."""
    return again is not None and (again.lost, again.seeing) == (stored.lost, stored.seeing)


def reaches(region: str, rows: Sequence[ComparedRow], failed_sites: int) -> bool:
    """Whether a region that fails so many sites reached too many others to have lost its way."""
    passed = count_sites(row for row in rows if region in row.passing)
    return failed_sites < SHARE * (failed_sites + passed)


def _evidence(own: Sequence[ComparedRow], rows: Sequence[ComparedRow], lost: Set[str]) -> list[ComparedRow]:
    """The rows to keep: of each site one at first, then others, and those that speak against it."""
    first: dict[str, ComparedRow] = {}
    for row in own:
        first.setdefault(" ".join(row.sites), row)
    more = [row for row in own if first[" ".join(row.sites)] is not row]
    against = [row for row in rows if not lost.isdisjoint(row.passing)]
    return [*[*first.values(), *more][:ROWS_KEPT], *against[:ROWS_KEPT]]


def _seeing(own: Sequence[ComparedRow]) -> frozenset[str]:
    """Regions that pass all of these rows that they answered, and most of them."""
    passes = Counter(region for row in own for region in row.passing)
    return frozenset(region for region, count in passes.items() if 2 * count > len(own))
