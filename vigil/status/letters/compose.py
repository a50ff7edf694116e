"""Composition of letters: a claimed row as mail, as the body of a webhook, or as a message to Slack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import urlsplit

from vigil.alerts.channels.email import sender_in_ascii
from vigil.configuration import configuration
from vigil.status.addresses import address_of, origin_of
from vigil.status.core.languages import words_of
from vigil.status.core.states import OVER
from vigil.status.core.subscriber_terms import LetterPurpose
from vigil.status.core.subscribers.wording import (
    SubscriberLinks,
    ToldPage,
    ToldUpdate,
    WrittenLetter,
    confirm_letter,
    manage_letter,
    update_letter,
)
from vigil.status.letters.bodies import (
    slack_greeting,
    slack_update,
    webhook_challenge,
    webhook_reminder,
    webhook_update,
)
from vigil.status.letters.mime import plain_header, sender_header, two_bodies, worded_header
from vigil.status.letters.smtp_session import Mail
from vigil.status.models import PublicUpdate, StatusPage
from vigil.status.subscriber_models import SubscriberLetter
from vigil.status.subscribers.links import (
    bounce_address,
    confirm_link,
    confirm_token,
    manage_link,
    unsubscribe_link,
    webhook_secret,
)


@dataclass(frozen=True, slots=True)
class LetterPost:
    """A body for a webhook or for Slack. `id` is the same for each attempt, `challenge` what the answer must hold."""

    url: str
    id: str
    body: Mapping[str, Any]
    secret: str = ""
    challenge: str = ""


def mail_of(letter: SubscriberLetter) -> Mail:
    """A letter as mail. Its Message-ID is the same for each attempt, so that a repeat is known as one."""
    subscriber, written, name = letter.subscriber, _written(letter), _id(letter)
    sender, domain = sender_in_ascii(configuration().email_from)
    own, address = parseaddr(sender)[1], subscriber.address
    headers = [
        sender_header(subscriber.page.title, own),
        plain_header("To", address),
        worded_header("Subject", written.subject),
        plain_header("Date", format_datetime(letter.created_at.astimezone(UTC))),
        plain_header("Message-ID", f"<{name}@{domain}>"),
        plain_header("Auto-Submitted", "auto-generated"),
        plain_header("X-Auto-Response-Suppress", "All"),
    ]
    if letter.update is not None:
        headers += [plain_header(*each) for each in _list_headers(letter, letter.update, domain).items()]
    content = two_bodies(headers, written.text, written.html, name)
    return Mail(bounce_address(subscriber.public_id) or own, address, content)


def _list_headers(letter: SubscriberLetter, update: PublicUpdate, domain: str) -> dict[str, str]:
    """What makes it one of a list, which ends with one click (RFC 2369, 2919, 8058), and of one conversation."""
    subscriber, page = letter.subscriber, letter.subscriber.page
    host = urlsplit(origin_of(page)).hostname or domain
    thread = f"<{update.incident.public_id}.{subscriber.public_id}@{domain}>"
    return {
        "References": thread,
        "In-Reply-To": thread,
        "Precedence": "bulk",
        "List-Id": f"<{page.public_id}.status.{host}>",
        "List-Archive": f"<{address_of(page)}>",
        "List-Help": f"<{manage_link(subscriber)}>",
        "List-Unsubscribe": f"<{unsubscribe_link(subscriber)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def webhook_of(letter: SubscriberLetter, indicator: str, now: datetime) -> LetterPost:
    """A letter to a webhook; the first asks whether it wants to be told."""
    subscriber = letter.subscriber
    links, secret = _links(letter), webhook_secret(subscriber.public_id)
    page = _page(subscriber.page, indicator)
    challenge = ""
    if letter.purpose == LetterPurpose.CONFIRM:
        challenge = confirm_token(subscriber.public_id)
        body = webhook_challenge(page, links, secret, challenge, now)
    elif letter.purpose == LetterPurpose.MANAGE:
        body = webhook_reminder(page, links, now)
    else:
        body = webhook_update(page, told_update(letter), links, now)
    return LetterPost(subscriber.address, _id(letter), body, secret, challenge)


def slack_of(letter: SubscriberLetter) -> LetterPost:
    """A letter to a channel of Slack; whoever knows the address of its webhook may say so."""
    page, links = _page(letter.subscriber.page), _links(letter)
    if letter.purpose == LetterPurpose.UPDATE:
        body = slack_update(page, told_update(letter), links)
    else:
        body = slack_greeting(page, links)
    return LetterPost(letter.subscriber.address, _id(letter), body)


def told_update(letter: SubscriberLetter) -> ToldUpdate:
    """The update of a letter, with public names alone."""
    update = letter.update
    assert update is not None
    incident, at = update.incident, update.published_at or letter.created_at
    # Read with the claim, in one query: here is no connection.
    planned = getattr(incident, "maintenance", None)
    return ToldUpdate(
        id=update.public_id,
        incident=incident.public_id,
        title=incident.title,
        impact=incident.impact if planned is None else "maintenance",
        state=update.state,
        text=update.text,
        at=at,
        started_at=incident.started_at,
        resolved_at=at if update.state in OVER else None,
        components=[(one.public_id, one.name) for one in incident.components.all()],
        planned=(planned.starts_at, planned.ends_at) if planned is not None else None,
    )


def _written(letter: SubscriberLetter) -> WrittenLetter:
    page, links = _page(letter.subscriber.page), _links(letter)
    if letter.purpose == LetterPurpose.CONFIRM:
        return confirm_letter(page, links)
    if letter.purpose == LetterPurpose.MANAGE:
        return manage_letter(page, links)
    return update_letter(page, told_update(letter), links)


def _links(letter: SubscriberLetter) -> SubscriberLinks:
    one = letter.subscriber
    confirming = confirm_link(one) if letter.purpose == LetterPurpose.CONFIRM else ""
    return SubscriberLinks(manage_link(one), unsubscribe_link(one), confirming)


def _page(page: StatusPage, indicator: str = "none") -> ToldPage:
    return ToldPage(page.public_id, page.title, address_of(page), indicator, words_of(page.language))


def _id(letter: SubscriberLetter) -> str:
    """One for each subscriber and update, or request; without keys of ours."""
    about = (
        letter.update.public_id if letter.update is not None else f"{letter.purpose}-{letter.created_at:%Y%m%d%H%M%S}"
    )
    return f"{about}.{letter.subscriber.public_id}"
