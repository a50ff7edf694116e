"""Ends of certificates and tokens that Vigil depends on: when the operator is told, and in which words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A renewal may need other people: three weeks for it. What is left is urgent.
TOLD_BEFORE, URGENT = timedelta(days=21), timedelta(days=3)

CAUSE = "expires:"


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something ends, by a name that stays the same; `team` is whose it is, none: the installation's."""

    what: str
    ends_at: datetime
    remedy: str
    team: int | None = None

    @property
    def cause(self) -> str:
        """The cause of its incident, which stays the same."""
        return cause_of(self.what, self.team)


def cause_of(what: str, team: int | None = None) -> str:
    """The cause of the incident of something that ends."""
    return f"{CAUSE}{team or ''}:{what}"[:120]


def ending_soon(expiries: Iterable[Expiry], now: datetime) -> list[Expiry]:
    """Those that end within three weeks, or have ended; the next one first."""
    return sorted((one for one in expiries if one.ends_at - now <= TOLD_BEFORE), key=lambda one: one.ends_at)


def in_words(expiry: Expiry, now: datetime) -> str:
    """What ends when, in one sentence."""
    days = (expiry.ends_at - now).days
    day = f"{expiry.ends_at:%Y-%m-%d}"
    if expiry.ends_at <= now:
        return f"{expiry.what} ended on {day}."
    when = {0: "within a day", 1: "in a day"}.get(days, f"in {days} days")
    return f"{expiry.what} ends {when}, on {day}."
