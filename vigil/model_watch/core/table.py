"""Table of announced retirements: its form, its errors, and the entry of a model. Pure.

Dates hold for one provider only: the same model retires on other days elsewhere. A table is as old as its `as_of`, and
never taken for live: a date in the provider's own list counts before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import Meta

#: A file beyond this is no table (bytes), and one beyond these no list of retirements.
FILE_MOST = 1_048_576
ENTRIES_MOST, MODELS_MOST = 5_000, 100
#: Days after which a table is too old to be relied on.
STALE_DAYS = 180

_Word = Annotated[str, Meta(min_length=1, max_length=160)]
#: Behind the name of a model: the date of a snapshot. What stands for the newest is not that model: it moves on.
_SNAPSHOT = re.compile(r"-20[0-9]{2}-?[0-9]{2}-?[0-9]{2}\Z")


class TableUnusable(Exception):
    """A table that cannot be used; one line that says where and why."""


class RetirementEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models of one provider that retire on one day, `YYYY-MM-DD`; without a day they are deprecated, and no more.

    `provider` is the preset's family, such as `openai` or `azure-openai`. A model may begin and end with `*`, as clouds
    put regions and owners before the name. `source` is where the day stands, `read` when that was read; `reported`: not
    by the provider itself.
    """

    provider: Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")]
    models: Annotated[list[_Word], Meta(min_length=1, max_length=MODELS_MOST)]
    source: Annotated[str, Meta(min_length=1, max_length=300)]
    read: date
    retires: date | None = None
    replacement: Annotated[str, Meta(max_length=160)] = ""
    reported: bool = False


class TableFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of retirements: when it was put together, and its entries."""

    as_of: date
    entries: Annotated[list[RetirementEntry], Meta(max_length=ENTRIES_MOST)]
    about: str = ""


@dataclass(frozen=True)
class RetirementTable:
    """Entries in the order in which they count, and the day as of which they hold."""

    as_of: date
    entries: Sequence[RetirementEntry]

    def entry_of(self, provider: str, model: str) -> RetirementEntry | None:
        """The entry of a model: by its own name, then by a part of it, then by the name without its snapshot's date.

        Where a table names snapshots of a model, another snapshot retires on a day of its own, which is not known.
        """
        name = plain(model)
        exact, parts, undated = self._names
        own = exact.get((provider, name))
        if own is not None:
            return own
        found = [one for pattern, one in parts if one.provider == provider and pattern.fullmatch(name)]
        bare = (provider, without_snapshot(name))
        if found or (bare[1] != name and bare in self._snapshots):
            return found[0] if found else None
        return undated.get(bare)

    def age_days(self, today: date) -> int:
        return (today - self.as_of).days

    @cached_property
    def _snapshots(self) -> frozenset[tuple[str, str]]:
        """Names without a date, by provider, of the snapshots that the table names."""
        dated = ((entry.provider, name) for entry in self.entries for name in map(plain, entry.models))
        bare = ((provider, name, without_snapshot(name)) for provider, name in dated)
        return frozenset((provider, plainly) for provider, name, plainly in bare if plainly != name)

    @cached_property
    def _names(
        self,
    ) -> tuple[
        dict[tuple[str, str], RetirementEntry],
        list[tuple[re.Pattern[str], RetirementEntry]],
        dict[tuple[str, str], RetirementEntry],
    ]:
        exact: dict[tuple[str, str], RetirementEntry] = {}
        parts: list[tuple[re.Pattern[str], RetirementEntry]] = []
        undated: dict[tuple[str, str], RetirementEntry] = {}
        for entry in self.entries:
            for name in map(plain, entry.models):
                if name.startswith("*") or name.endswith("*"):
                    parts.append((_pattern(name), entry))
                    continue
                exact.setdefault((entry.provider, name), entry)
                bare = (entry.provider, without_snapshot(name))
                known = undated.get(bare)
                # An alias means the newest snapshot, which retires last.
                if known is None or (entry.retires or date.max) > (known.retires or date.max):
                    undated[bare] = entry
        return exact, parts, undated


def plain(model: str) -> str:
    """The name of a model as it is compared."""
    return model.strip().casefold().removeprefix("models/")


def _pattern(name: str) -> re.Pattern[str]:
    """A name that begins or ends with `*`; one in between is taken as it is written."""
    before, after = (".*" if end else "" for end in (name.startswith("*"), name.endswith("*")))
    return re.compile(before + re.escape(name.strip("*")) + after)


def without_snapshot(model: str) -> str:
    """The name without the date of its snapshot."""
    return _SNAPSHOT.sub("", model)


def read_table(content: bytes, name: str) -> TableFile:
    """A table of a file in JSON, or in YAML where its name says so; raises `TableUnusable`."""
    if len(content) > FILE_MOST:
        raise TableUnusable(f"{name} is larger than {FILE_MOST // 1024} KiB: that is no table of retirements")
    decode: Any = msgspec.yaml.decode if name.endswith((".yaml", ".yml")) else msgspec.json.decode
    try:
        found: TableFile = decode(content, type=TableFile)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise TableUnusable(f"{name}: {' '.join(str(error).split())[:200]}") from None
    return found


def joined(own: TableFile | None, shipped: TableFile) -> RetirementTable:
    """One table of both: what a file of the installation says counts before what is shipped."""
    if own is None:
        return RetirementTable(shipped.as_of, shipped.entries)
    return RetirementTable(max(own.as_of, shipped.as_of), [*own.entries, *_others(own.entries, shipped.entries)])


def _others(own: Iterable[RetirementEntry], shipped: Iterable[RetirementEntry]) -> list[RetirementEntry]:
    """Shipped entries without the models that the own ones name."""
    named = {(entry.provider, plain(model)) for entry in own for model in entry.models}
    found = []
    for entry in shipped:
        models = [model for model in entry.models if (entry.provider, plain(model)) not in named]
        if models:
            found.append(msgspec.structs.replace(entry, models=models))
    return found
