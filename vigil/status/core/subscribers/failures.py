"""When a subscriber is switched off: an address that does not exist at once, others after a few failures. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.status.core.subscriber_terms import OffReason

#: Failures that switch off, how long one counts, and how far two are apart: an incident has several letters, and one
#: bad hour of a receiver, or of the mail server of this installation, says nothing of an address.
FAILURES_MOST = 3
COUNTS_FOR, APART = timedelta(days=30), timedelta(hours=20)
#: Enhanced status codes (RFC 3463) of an address that does not exist: bad mailbox, bad syntax, moved, null MX. No part
#: of a longer number, such as the address of a server.
_NO_SUCH_ADDRESS = re.compile(r"(?<![\d.])5\.1\.(?:1|2|3|6|10)(?!\.?\d)")
#: What is about the sender: policy and security (5.7), its address (5.1.7, 5.1.8), and a server that does not send
#: for this installation, which not every one puts into a code.
_OF_SENDER = re.compile(r"(?i)(?<![\d.])[45]\.(?:7\.\d{1,3}|1\.[78])(?!\.?\d)|\brelay")


@dataclass(frozen=True, slots=True)
class CountedFailure:
    """Failures as they are noted: how many there are now, when the last one was counted, and the reason to switch off,
    if there is one."""

    failures: int
    at: datetime | None
    off: OffReason | None = None


def count_failure(
    before: int, last_at: datetime | None, now: datetime, reason: OffReason, words: str
) -> CountedFailure:
    """Count a letter that failed for good, of a day at most one; `words` are the receiver's."""
    if reason in (OffReason.REFUSED, OffReason.BOUNCED):
        if _NO_SUCH_ADDRESS.search(words):
            return CountedFailure(before + 1, now, reason)
        if _OF_SENDER.search(words):
            return CountedFailure(before, last_at)
    age = COUNTS_FOR if last_at is None else now - last_at
    if reason is not OffReason.GONE and age < APART:
        return CountedFailure(before, last_at)
    failures = 1 + (before if age < COUNTS_FOR else 0)
    return CountedFailure(failures, now, reason if failures >= FAILURES_MOST or reason is OffReason.GONE else None)


_FAILED = re.compile(r"(?im)^action:[ \t]*failed[ \t]*(?:\(|\r?$)")
#: Also 4: a server that gives up after days says why it could not deliver all the time.
_STATUS = re.compile(r"(?im)^status:[ \t]*([45]\.\d{1,3}\.\d{1,3})")
_DIAGNOSTIC = re.compile(r"(?im)^diagnostic-code:\s*(?:smtp;)?[ \t]*([^\r\n]{1,200})")
#: Those of qmail, and of old Exim, are texts for people.
_IN_WORDS = re.compile(
    r"This is a permanent error[;.]\s{1,4}(?:I've given up\. Sorry|The following address(?:\(es\))? failed)", re.I
)
_SAID = re.compile(r"(?<![\w.])5\d\d[ -][^\r\n]{1,200}|(?<=\(#)5\.\d{1,3}\.\d{1,3}(?=\))")
#: How far behind its first words such a text says why: what follows is the letter.
_WORDS_MOST = 1_500


def bounce_of(text: str) -> str:
    """What a delivery status notification (RFC 3464) says of a lasting failure; empty for any other letter."""
    status = _STATUS.search(text)
    if status is not None and _FAILED.search(text):
        words = _DIAGNOSTIC.search(text)
        return " ".join(filter(None, (status[1], words[1].strip() if words else "")))
    given_up = _IN_WORDS.search(text)
    if given_up is None:
        return ""
    said = _SAID.search(text, given_up.end(), given_up.end() + _WORDS_MOST)
    return said[0].strip() if said else "5.0.0"
