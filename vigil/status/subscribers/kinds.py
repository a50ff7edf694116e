"""Kinds of subscribers that a page offers: those that its owner left on, and that the installation can serve."""

from __future__ import annotations

from vigil.configuration import configuration
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.models import StatusPage


def kinds_of(page: StatusPage) -> list[SubscriberKind]:
    """In the order in which they are offered. Mail needs a mail server in VIGIL_EMAIL_URL."""
    left_on = set(page.subscriber_kinds)
    return [one for one in SubscriberKind if one.value in left_on and _is_served(one)]


def _is_served(kind: SubscriberKind) -> bool:
    return kind is not SubscriberKind.EMAIL or configuration().email_url is not None
