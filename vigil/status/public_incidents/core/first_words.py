"""Texts that a person begins with when an incident is published: public names only, and nothing that may be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vigil.incidents.core.model import IncidentKind
from vigil.status.core.states import PublicImpact, UpdateState

_NAMED, _SPREAD_NAMED = 3, 20
_TEXTS: Mapping[UpdateState, str] = {
    UpdateState.INVESTIGATING: "We see a problem with {names} and are looking into it.",
    UpdateState.IDENTIFIED: "We have found the cause of the problem with {names} and are working on it.",
    UpdateState.MONITORING: "{names} should work again. We keep watching.",
    UpdateState.RESOLVED: "The problem with {names} is over.",
}
_DOWN = (IncidentKind.OUTAGE, IncidentKind.HEARTBEAT)


def title_of(names: Sequence[str]) -> str:
    """The first title of a public incident."""
    return f"Problem with {_listed(names)}"[:200]


def text_of(state: UpdateState, names: Sequence[str]) -> str:
    """The first words of an update."""
    text = _TEXTS[state].format(names=_listed(names))
    return text[:1].upper() + text[1:]


def spread_text(names: Sequence[str]) -> str:
    """Words of an update that adds components: readers of each look for its name."""
    shown, more = list(names[:_SPREAD_NAMED]), len(names) - _SPREAD_NAMED
    return f"Now also affected: {', '.join([*shown, f'and {more} more'] if more > 0 else shown)}."


def impact_of(kind: str) -> PublicImpact:
    """What an incident of this kind mostly means for readers."""
    return PublicImpact.MAJOR if kind in _DOWN else PublicImpact.MINOR


def next_state(said: Sequence[UpdateState], is_open: bool) -> UpdateState:
    """What is mostly said next: first that it is looked into, in the end that it is over."""
    if not is_open:
        return UpdateState.RESOLVED
    if not said:
        return UpdateState.INVESTIGATING
    return UpdateState.IDENTIFIED if said[-1] is UpdateState.INVESTIGATING else UpdateState.MONITORING


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_NAMED])
    if len(names) > _NAMED:
        return "some services"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown) or "our services"
