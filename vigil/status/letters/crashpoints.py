"""Crash points of letters: fault injection for tests, before and after each commit, send and note."""

from __future__ import annotations

from enum import StrEnum


class LetterCrashPoint(StrEnum):
    """Places to crash, in their order."""

    CLAIMED = "letter_claimed"
    SEND_BEFORE = "letter_send_before"
    ACCEPTED = "letter_accepted"
    NOTED = "letter_noted"
    WRITTEN = "letter_written"
    RECORDED = "letter_recorded"
