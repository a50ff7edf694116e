"""Outcomes of letters, and how they follow from what a receiver said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from vigil.status.core.subscriber_terms import OffReason


class LetterOutcome(StrEnum):
    """What became of one attempt to send a letter."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class LetterResult:
    """An attempt as it is recorded, with the public id of its subscriber. `blames` is set where a failure counts
    against the subscriber, `clears` where an acceptance ends its failures, `confirms` where the answer confirms it."""

    letter: int
    subscriber: str
    token: UUID
    outcome: LetterOutcome
    words: str = ""
    wait_s: float = 0.0
    blames: OffReason | None = None
    confirms: bool = False
    clears: bool = False

    @property
    def changes_subscriber(self) -> bool:
        """Whether it is more than news of the letter."""
        return self.blames is not None or self.confirms or self.clears
