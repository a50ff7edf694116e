"""Proof that regions have lost their way: the rows of the table that show it. Part of the messages of consensus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from probes.message_decoder import Count, Name

_Names = Annotated[list[Name], Meta(max_length=1_000)]


class ComparedRow(msgspec.Struct, frozen=True, array_like=True):
    """One target in one moment: which regions failed, and which passed.

    `sites` is what it belongs to and may fail with: its provider or domain, and its network.
    """

    monitor: Name
    sites: _Names
    failing: _Names
    passing: _Names


class LostWay(msgspec.Struct, frozen=True, array_like=True):
    """The finding: `lost` fail `sites` unrelated sites in exactly the same rows, and `seeing` pass them.

    `rows` are those rows, some of them where there are many, and `domains` are the failure domains of the regions:
    `decide` finds the same again from both.
    """

    lost: _Names
    seeing: _Names
    sites: Count
    monitors: Count
    rows: Annotated[list[ComparedRow], Meta(max_length=1_000)] = []
    domains: Annotated[dict[Name, Name], Meta(max_length=1_000)] = {}


#: The field of a step's evidence that holds a proof.
FIELD = "lost_way"


def as_evidence(proof: LostWay) -> dict[str, Any]:
    """A proof as a JSON object, every field by its name."""
    rows = [_named(row) for row in proof.rows]
    return {FIELD: {**_named(proof), "rows": rows}}


def is_proof(evidence: Mapping[str, Any]) -> bool:
    return FIELD in evidence


def from_evidence(evidence: Mapping[str, Any]) -> LostWay:
    """The proof that `as_evidence` was given; raises `msgspec.ValidationError` on anything else."""
    fields = dict(evidence[FIELD])
    fields["rows"] = [[row[name] for name in ComparedRow.__struct_fields__] for row in fields["rows"]]
    return msgspec.convert([fields[name] for name in LostWay.__struct_fields__], LostWay)


def _named(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: msgspec.to_builtins(getattr(struct, name)) for name in struct.__struct_fields__}
