"""Bounces: letters that came back to the address that each subscriber's letters are sent from (VERP).

`vigil mail` hands them over. Only a delivery status notification of a lasting failure counts (RFC 3464); what people or
their programs answer is dropped.
"""

from __future__ import annotations

import structlog
from django.db import connection

from vigil.away import refusal
from vigil.status.core.subscriber_terms import OffReason
from vigil.status.core.subscribers.failures import bounce_of
from vigil.status.subscribers.failing import note_failure
from vigil.status.subscribers.links import read_bounce_address

log = structlog.get_logger()


class Bounces:
    """What `vigil mail` asks; for any of its threads."""

    def takes(self, local: str) -> bool:
        """Whether it is an address that Vigil has made for a subscriber."""
        return bool(read_bounce_address(local))

    def note(self, local: str, text: str) -> bool:
        """Count a lasting failure; False while PostgreSQL is away, so that the mail comes again."""
        subscriber, words = read_bounce_address(local), bounce_of(text)
        if not subscriber or not words:
            return True
        try:
            note_failure(subscriber, OffReason.BOUNCED, words)
        except Exception as error:
            if not refusal(error):
                raise
            # A lost one is made anew by the next mail.
            connection.close()
            log.warning("bounce.not_noted", subscriber=subscriber, error=type(error).__name__)
            return False
        return True
