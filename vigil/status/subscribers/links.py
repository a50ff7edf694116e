"""Links and addresses that act for one subscriber. Each is derived from its id under VIGIL_SECRET_KEY, none stored."""

from __future__ import annotations

import base64

from django.core.signing import BadSignature, SignatureExpired, Signer, TimestampSigner
from django.utils.crypto import constant_time_compare, salted_hmac

from vigil.configuration import configuration
from vigil.status.addresses import origin_of
from vigil.status.core.access import PageVisibility
from vigil.status.core.domains import SUBSCRIPTIONS
from vigil.status.core.languages.reader_words import ReaderNotice
from vigil.status.core.subscribers.limits import CONFIRM_WITHIN
from vigil.status.models import StatusPage
from vigil.status.subscriber_models import Subscriber

TOKEN_MOST = 120
#: Occurs neither in ids nor in base64, and mail programs do not end a link at it.
_SEPARATOR = "~"
#: The first part of an address that bounces come to, and the hexadecimal digits of its code.
_BOUNCES, _CODE = "b-", 20


class SubscriptionLinkError(Exception):
    """A forged or expired link, and what is said of it."""

    def __init__(self, said: ReaderNotice) -> None:
        super().__init__(said.value)
        self.said = said


def manage_link(subscriber: Subscriber) -> str:
    """Address where a subscriber chooses components or ends it, on the own domain of its page where that has one."""
    return f"{_origin_of(subscriber.page)}{SUBSCRIPTIONS}{_own().sign(subscriber.public_id)}"


def unsubscribe_link(subscriber: Subscriber) -> str:
    """Address that ends a subscription by one POST (RFC 8058)."""
    return f"{manage_link(subscriber)}/unsubscribe"


def confirm_link(subscriber: Subscriber) -> str:
    """Address of the page that confirms a subscription, for 48 hours from now on."""
    return f"{_origin_of(subscriber.page)}{SUBSCRIPTIONS}confirm/{confirm_token(subscriber.public_id)}"


def confirm_token(subscriber: str) -> str:
    """What proves that an address reads what is sent to it."""
    return _confirming().sign(subscriber)


def read_manage_token(token: str) -> str:
    """Public id of the subscriber; raises `SubscriptionLinkError`."""
    try:
        return _own().unsign(token[:TOKEN_MOST])
    except BadSignature:
        raise SubscriptionLinkError(ReaderNotice.LINK_INVALID) from None


def read_confirm_token(token: str) -> str:
    """Public id of the subscriber that may be confirmed; raises `SubscriptionLinkError`."""
    try:
        return _confirming().unsign(token[:TOKEN_MOST], max_age=CONFIRM_WITHIN)
    except SignatureExpired:
        raise SubscriptionLinkError(ReaderNotice.LINK_OLD) from None
    except BadSignature:
        raise SubscriptionLinkError(ReaderNotice.LINK_INVALID) from None


def bounce_address(subscriber: str) -> str:
    """Envelope sender of its letters (VERP); empty where `vigil mail` receives nothing."""
    settings = configuration()
    if not (settings.mail_port and settings.mail_domain):
        return ""
    return f"{_BOUNCES}{subscriber.replace('_', '-')}-{_code(subscriber)}@{settings.mail_domain}"


def read_bounce_address(local: str) -> str:
    """Public id of the subscriber that an address of bounces, without its domain, is about; empty for any other."""
    parts = local.lower().split("-")
    if len(parts) != 4 or f"{parts[0]}-" != _BOUNCES:
        return ""
    subscriber = f"{parts[1]}_{parts[2]}"
    return subscriber if constant_time_compare(parts[3], _code(subscriber)) else ""


def webhook_secret(subscriber: str) -> str:
    """Signing secret of a webhook, as Standard Webhooks writes it."""
    digest = salted_hmac("vigil.subscriber-webhook", subscriber, algorithm="sha256").digest()
    return f"whsec_{base64.b64encode(digest).decode()}"


def _origin_of(page: StatusPage) -> str:
    """Vigil's own for a page of a team, whose readers sign in there."""
    return configuration().base_url if page.visibility == PageVisibility.TEAM else origin_of(page)


def _code(subscriber: str) -> str:
    return salted_hmac("vigil.subscriber-bounces", subscriber, algorithm="sha256").hexdigest()[:_CODE]


def _own() -> Signer:
    return Signer(sep=_SEPARATOR, salt="vigil.subscriber")


def _confirming() -> TimestampSigner:
    return TimestampSigner(sep=_SEPARATOR, salt="vigil.subscriber-confirms")
