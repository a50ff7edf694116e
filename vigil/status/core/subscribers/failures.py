"""When a subscriber is switched off: an address that does not exist at once, others after a few failures. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.status.core.subscriber_terms import OffReason

#: Letters in a row that failed for good, and how long one counts.
FAILURES_MOST = 3
COUNTS_FOR = timedelta(days=30)
#: Enhanced status codes (RFC 3463) of an address that does not exist: bad mailbox, bad syntax, moved, null MX.
_NO_SUCH_ADDRESS = re.compile(r"5\.1\.(?:1|2|3|6|10)")


@dataclass(frozen=True, slots=True)
class CountedFailure:
    """A failure as it is noted: how many there are now, and the reason to switch off, if there is one."""

    failures: int
    off: OffReason | None


def count_failure(
    before: int, last_at: datetime | None, now: datetime, reason: OffReason, words: str
) -> CountedFailure:
    """Count a letter that failed for good; `words` are the receiver's."""
    failures = 1 + (before if last_at is not None and now - last_at < COUNTS_FOR else 0)
    if failures >= FAILURES_MOST or reason is OffReason.GONE or _NO_SUCH_ADDRESS.search(words):
        return CountedFailure(failures, reason)
    return CountedFailure(failures, None)


_FAILED = re.compile(r"(?im)^action:[ \t]*failed[ \t]*\r?$")
_STATUS = re.compile(r"(?im)^status:[ \t]*(5\.\d{1,3}\.\d{1,3})")
_DIAGNOSTIC = re.compile(r"(?im)^diagnostic-code:[ \t]*(?:smtp;)?[ \t]*([^\r\n]{1,200})")


def bounce_of(text: str) -> str:
    """What a delivery status notification (RFC 3464) says of a lasting failure; empty for any other letter."""
    status = _STATUS.search(text)
    if status is None or not _FAILED.search(text):
        return ""
    words = _DIAGNOSTIC.search(text)
    return " ".join(filter(None, (status[1], words[1].strip() if words else "")))
