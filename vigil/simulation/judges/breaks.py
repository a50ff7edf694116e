"""One place where a history breaks an invariant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Break:
    """Which invariant, when, of which monitor or region, and what was found."""

    invariant: str
    at_ms: float
    subject: str
    says: str
