"""Merged models list of a monitor: the last lists of its regions as one, with the regions that lack a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from probes.ai.models.listed import ListedModel
from vigil.model_watch.models import SeenList
from vigil.model_watch.packed import unpacked
from vigil.monitors.models import Monitor


@dataclass(frozen=True, slots=True)
class MergedModel:
    """A row as the newest list has it, and the regions whose list lacks it."""

    row: ListedModel
    missing_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergedList:
    """The lists of a monitor as it is now."""

    provider: str
    regions: Sequence[SeenList]
    models: Sequence[MergedModel]


def merged_list(monitor: Monitor) -> MergedList:
    """The lists that regions told last of this monitor; empty before the first."""
    found = list(
        SeenList.objects.filter(monitor=monitor, revision=monitor.revision).select_related("region").order_by("at")
    )
    lists = {seen.region.slug: unpacked(seen.rows) for seen in found}
    rows: dict[str, ListedModel] = {}
    for listed in lists.values():
        rows |= listed
    models = [
        MergedModel(rows[name], tuple(sorted(slug for slug, listed in lists.items() if name not in listed)))
        for name in sorted(rows)
    ]
    regions = sorted(found, key=lambda seen: seen.region.slug)
    return MergedList(found[-1].provider if found else "", regions, models)
