"""Terms of subscribers: kinds, states, reasons. Pure."""

from __future__ import annotations

from enum import StrEnum


class SubscriberKind(StrEnum):
    """How a subscriber is told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"


class SubscriberState(StrEnum):
    """Whether a subscriber is told: only confirmed ones are."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    OFF = "off"


class OffReason(StrEnum):
    """Why a subscriber is told no longer."""

    BOUNCED = "bounced"
    REFUSED = "refused"
    FAILING = "failing"
    GONE = "gone"


class LetterPurpose(StrEnum):
    """What a letter is for. Their order is that in which they are sent."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UPDATE = "update"


class AddressProblem(StrEnum):
    """Why an address is none of its kind."""

    TOO_LONG = "too_long"
    NO_EMAIL = "no_email"
    NO_WEBHOOK = "no_webhook"
    NO_SLACK = "no_slack"


class RequestOutcome(StrEnum):
    """What became of a request to subscribe. Nobody outside sees it."""

    ASKED = "asked"
    REMINDED = "reminded"
    KIND_OFF = "kind_off"
    ASKED_LATELY = "asked_lately"
    ADDRESS_OFTEN = "address_often"
    HOST_OFTEN = "host_often"
    PAGE_OFTEN = "page_often"
    PAGE_FULL = "page_full"
    UNREADABLE = "unreadable"


KIND_WORDS = {
    SubscriberKind.EMAIL: "E-mail",
    SubscriberKind.WEBHOOK: "Webhook",
    SubscriberKind.SLACK: "Slack",
}
