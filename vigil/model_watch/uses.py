"""Models in use: what monitors and imported files of a team name, and when each retires, by which source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Count, Func, Q, TextField

from probes.ai.models.listed import LIST_LIFE_S
from vigil.model_watch.core.listed_dates import CountedList, days_of
from vigil.model_watch.core.retirement import RetirementDate
from vigil.model_watch.core.table import RetirementTable, plain
from vigil.model_watch.core.used_models import (
    LITELLM,
    MODEL_LIMIT,
    NamedModel,
    UsePlace,
    models_named,
    provider_name,
)
from vigil.model_watch.models import DeclaredModel, SeenList
from vigil.model_watch.packed import unpacked
from vigil.monitors.core.litellm import ImportPlan
from vigil.monitors.models import Monitor

#: Models in use of one team that are looked after.
USED_MOST = 5_000
#: Places that a notice names.
PLACES_NAMED = 5
#: Imported files that are told apart.
SOURCES_MOST = 100


@dataclass(frozen=True, slots=True)
class UsedModel:
    """A model in use, where, and when it retires if a source says so."""

    named: NamedModel
    places: Sequence[UsePlace]
    retires: RetirementDate | None = None
    #: Deprecated by the provider, with a day or without.
    deprecated: bool = False
    replacement: str = ""
    #: Who says that it is deprecated, and when that was read.
    source: str = ""
    read: date | None = None

    @property
    def provider_name(self) -> str:
        return provider_name(self.named.provider)

    @property
    def used_by(self) -> str:
        """Where it is used, in words."""
        names = list(dict.fromkeys(place.name for place in self.places))
        more = f" and {len(names) - PLACES_NAMED} more" if len(names) > PLACES_NAMED else ""
        return ", ".join(names[:PLACES_NAMED]) + more

    def days_left(self, today: date) -> int | None:
        return (self.retires.day - today).days if self.retires else None


Listed = Mapping[NamedModel, RetirementDate]


def used_models(team: int, table: RetirementTable, held: Collection[str] = ()) -> list[UsedModel]:
    """Models in use of a team: those that retire first, then the others by name.

    Lists of regions in quarantine (`held`) count only where no other region looks.
    """
    places = _places(team)
    listed = listed_dates(team, held) if places else {}
    found = [_used(named, places[named], listed, table) for named in sorted(places)[:USED_MOST]]
    return sorted(found, key=lambda one: (one.retires is None, one.retires.day if one.retires else date.max, one.named))


def listed_dates(team: int, held: Collection[str] = ()) -> Listed:
    """Days that providers' own lists give, by provider and model."""
    return {
        named: RetirementDate(one.day, f"the provider's own list, by {one.monitor}", one.read, one.replacement)
        for named, one in days_of(_counted(team, held)).items()
    }


def _counted(team: int, held: Collection[str]) -> Iterator[CountedList]:
    """The lists of a team, each content once: monitors of one provider mostly read the same."""
    lists = SeenList.objects.filter(monitor__team=team, monitor__deleted_at=None)
    told = lists.annotate(content=Func("rows", function="md5", output_field=TextField())).values_list(
        "monitor", "provider", "content", "at", "pk", "region__slug"
    )
    every = list(told.order_by("at", "pk"))
    trusted = {monitor for monitor, *_, region in every if region not in held}
    rows = [row[:5] for row in every if row[5] not in held or row[0] not in trusted]
    newest = {monitor: at for monitor, _, _, at, _ in rows}
    # A region that checks a monitor no more tells its list no more.
    current = [row for row in rows if newest[row[0]] - row[3] < timedelta(seconds=LIST_LIFE_S)]
    counts = Counter((provider, content) for _, provider, content, _, _ in current)
    last = {(provider, content): pk for _, provider, content, _, pk in current}
    kept = SeenList.objects.filter(pk__in=last.values()).select_related("monitor")
    keys = {pk: key for key, pk in last.items()}
    for seen in kept.iterator(chunk_size=50):
        count = counts[keys[seen.pk]]
        yield CountedList(seen.provider, unpacked(seen.rows), count, seen.monitor.name, seen.at.date())


def declare_models(team: int, plan: ImportPlan, source: str = "") -> int:
    """Remember the models of an imported file in place of those of its last import; returns how many."""
    wanted = {
        (LITELLM.get(one.provider, one.provider)[:40], one.model[:MODEL_LIMIT], one.group[:MODEL_LIMIT])
        for one in plan.used
    }
    rows = [
        DeclaredModel(team_id=team, source=source[:100], provider=provider, model=model, group=group)
        for provider, model, group in sorted(wanted)
    ]
    with transaction.atomic():
        DeclaredModel.objects.filter(team=team, source=source[:100]).delete()
        DeclaredModel.objects.bulk_create(rows)
    return len(rows)


def forget_declared(team: int, source: str) -> int:
    """Forget the models of an imported file, of a proxy that is no more; returns how many."""
    return DeclaredModel.objects.filter(team=team, source=source).delete()[0]


def declared_sources(team: int) -> list[tuple[str, int]]:
    """The proxies of imported files, and how many models each names."""
    rows = DeclaredModel.objects.filter(team=team).order_by("source").values_list("source")
    return list(rows.annotate(Count("pk"))[:SOURCES_MOST])


def _places(team: int) -> dict[NamedModel, list[UsePlace]]:
    found: dict[NamedModel, list[UsePlace]] = {}
    names = Q(config__has_key="provider") | Q(config__has_key="model")
    own = Monitor.objects.filter(names, team=team, deleted_at=None).order_by("name", "pk")
    for pk, public_id, name, config in own.values_list("pk", "public_id", "name", "config").iterator():
        for named in models_named(config):
            found.setdefault(named, []).append(UsePlace(name, pk, public_id))
    for row in DeclaredModel.objects.filter(team=team):
        source = f"LiteLLM {row.source}".rstrip()
        found.setdefault(NamedModel(row.provider, row.model), []).append(UsePlace(f"{source}: {row.group}"))
    return found


def _used(named: NamedModel, places: Sequence[UsePlace], listed: Listed, table: RetirementTable) -> UsedModel:
    own = listed.get(NamedModel(named.provider, plain(named.model)))
    entry = table.entry_of(named.provider, named.model)
    if entry is None:
        return UsedModel(named, places, own, own is not None, own.replacement if own else "")
    if own is None and entry.retires is not None:
        own = RetirementDate(entry.retires, entry.source, entry.read, entry.replacement, entry.reported)
    replacement = (own.replacement if own else "") or entry.replacement
    return UsedModel(named, places, own, True, replacement, entry.source, entry.read)
