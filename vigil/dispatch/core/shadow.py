"""New regions in shadow: they check, and vote once a few checks in a row agreed with what is believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Agreeing checks in a row, of any monitors, after which a new region votes.
AGREED_MOST: Final = 3
_SETTLED = frozenset({"up", "degraded", "down"})


@dataclass(frozen=True, slots=True)
class ShadowVote:
    """A check of a new region: its monitor and slot (ms), what it saw, and what is believed of the monitor."""

    monitor: str
    at_ms: int
    seen: str
    believed: str


class ShadowAgreement:
    """How often in a row one region agreed, each check counted once."""

    def __init__(self, agreed: int = 0) -> None:
        self.agreed = agreed
        self._last_ms: dict[str, int] = {}

    def take(self, votes: list[ShadowVote]) -> bool:
        """Count new checks in order of their slots; True once the region votes."""
        for one in sorted(votes, key=lambda vote: (vote.at_ms, vote.monitor)):
            if one.at_ms <= self._last_ms.get(one.monitor, -1):
                continue
            self._last_ms[one.monitor] = one.at_ms
            agrees = _agrees(one.seen, one.believed)
            if agrees is not None and self.agreed < AGREED_MOST:
                self.agreed = self.agreed + 1 if agrees else 0
        return self.agreed >= AGREED_MOST


def _agrees(seen: str, believed: str) -> bool | None:
    """Whether a check agrees; None where one of the two knows nothing. Degraded and down are one side: a problem."""
    if seen not in _SETTLED or believed not in _SETTLED:
        return None
    return (seen == "up") == (believed == "up")
