"""Texts that a person begins with when an incident is published: public names only, and nothing that may be wrong."""

from __future__ import annotations

from collections.abc import Sequence

from vigil.incidents.core.model import IncidentKind
from vigil.status.core.languages.words import PageWords
from vigil.status.core.states import PublicImpact, UpdateState

_SPREAD_NAMED = 20
_DOWN = (IncidentKind.OUTAGE, IncidentKind.HEARTBEAT)


def title_of(names: Sequence[str], words: PageWords) -> str:
    """The first title of a public incident."""
    return words.first.title.format(names=words.first.listed(names))[:200]


def text_of(state: UpdateState, names: Sequence[str], words: PageWords) -> str:
    """The first words of an update."""
    text = words.first.incident[state].format(names=words.first.listed(names))
    return text[:1].upper() + text[1:]


def spread_text(names: Sequence[str], words: PageWords) -> str:
    """Words of an update that adds components: readers of each look for its name."""
    shown, more = list(names[:_SPREAD_NAMED]), len(names) - _SPREAD_NAMED
    rest = [words.first.and_more.format(count=more)] if more > 0 else []
    return words.first.spread.format(names=", ".join([*shown, *rest]))


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
