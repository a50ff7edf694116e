"""Findings about what ends: certificates, and tokens in use."""

from __future__ import annotations

from collections.abc import Iterator

from vigil import expiries
from vigil.configuration import configuration
from vigil.doctor.findings import ExaminationContext, Finding, note, problem, warning, well
from vigil.incidents.core.expiry import URGENT, ending_soon, in_words


def expiry(around: ExaminationContext) -> Iterator[Finding]:
    """What ends within three weeks, each with its day."""
    found = expiries.certificates(configuration())
    soon = ending_soon([*found.expiries, *expiries.tokens(around.now)], around.now)
    for one in soon:
        tell = problem if one.ends_at - around.now <= URGENT else warning
        yield tell(in_words(one, around.now), one.remedy)
    for name in found.unknown:
        yield note(f"{name} cannot be looked at from here.", "Look at the day that it ends yourself.")
    if not soon:
        yield well(f"No token in use ends within three weeks, and none of {len(found.expiries)} certificates.")
