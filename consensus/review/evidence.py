"""Evidence of a verdict as a JSON object, and back again, so that a decision can be replayed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from consensus.verdicts import Elector, Excluded, Verdict, Vote
from probes.wire import Phases

Json = dict[str, Any]


def to_evidence(verdict: Verdict) -> Json:
    """Every field by name, votes and phases included; only JSON's own types."""
    evidence = _named(verdict)
    evidence["votes"] = [{**_named(vote), "phases": _named(vote.phases)} for vote in verdict.votes]
    evidence["excluded"] = [_named(one) for one in verdict.excluded]
    evidence["electorate"] = [_named(one) for one in verdict.electorate]
    return evidence


def from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """The verdict that `to_evidence` was given; raises `msgspec.ValidationError` on anything else."""
    fields = dict(evidence)
    fields["votes"] = [_array(Vote, {**vote, "phases": _array(Phases, vote["phases"])}) for vote in fields["votes"]]
    fields["excluded"] = [_array(Excluded, one) for one in fields["excluded"]]
    fields["electorate"] = [_array(Elector, one) for one in fields.get("electorate", [])]
    return msgspec.convert(_array(Verdict, fields), Verdict)


def is_verdict(evidence: Mapping[str, Any]) -> bool:
    """Whether stored evidence is that of a verdict; other steps have other evidence, or none."""
    return "round" in evidence and "votes" in evidence


def _named(struct: msgspec.Struct) -> Json:
    return {name: msgspec.to_builtins(getattr(struct, name)) for name in struct.__struct_fields__}


def _array(kind: type[msgspec.Struct], fields: Mapping[str, Any]) -> list[Any]:
    return [fields[name] for name in kind.__struct_fields__ if name in fields]
