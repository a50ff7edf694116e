"""Self-suspicion: signs that a mass event is Vigil's own fault, in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from probes.reasons import Reason

#: An older restart or change is not suspicious.
LATELY = timedelta(minutes=10)
_CLOCK = {Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_INVALID}


@dataclass(frozen=True, slots=True)
class Signs:
    """Facts when an incident joins a mass event.

    `reasons` and `domains` are those of failing votes, `restarted` names regions whose worker started lately. Of
    `failing` monitors `looked_at` were examined, of which `changed` had a recent change.
    """

    failing: int
    looked_at: int
    changed: int
    reasons: frozenset[str]
    domains: int
    restarted: Sequence[str]
    #: Regions that fail all of those that were looked at, and those that pass all of them; none where it varies.
    same_regions: Sequence[str] = ()
    seeing: Sequence[str] = ()


def look_at_ourselves(signs: Signs) -> str:
    """What to check in Vigil first, or that nothing points to it."""
    found: list[str] = []
    if signs.restarted:
        worker = "worker" if len(signs.restarted) == 1 else "workers"
        found.append(f"the {worker} of {_list(signs.restarted)} started within ten minutes (a deployment?)")
    if 2 * signs.changed >= signs.looked_at:
        found.append(f"{signs.changed} of {signs.looked_at} of these monitors were changed within ten minutes")
    if signs.reasons and signs.reasons <= {Reason.DNS_ERROR}:
        found.append("every failing vote is a DNS failure: check the regions' resolvers")
    if signs.reasons and signs.reasons <= _CLOCK:
        found.append("every failing vote is about a certificate's dates: check the regions' clocks")
    if signs.domains == 1:
        found.append("every failing vote comes from one failure domain: check its network")
    if signs.same_regions and signs.seeing:
        found.append(
            f"all of them fail in exactly the same regions ({_list(signs.same_regions)}), and {_list(signs.seeing)} "
            f"{'sees' if len(signs.seeing) == 1 else 'see'} them well: check the way of these regions"
        )
    many = f"{signs.failing} monitors failed within a minute"
    if not found:
        return f"{many}; there is no sign of a fault in Vigil itself."
    return f"{many}. Check Vigil itself first: {'; '.join(found)}."


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
