"""Break of an invariant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Break:
    """The invariant, the time, the monitor or region, and the finding."""

    invariant: str
    at_ms: float
    subject: str
    says: str
