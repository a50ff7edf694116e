"""Bodies for webhooks, in the form of Atlassian Statuspage, and for Slack. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from vigil.alerts.channels.chat.slack import HEADER_LIMIT, SECTION_LIMIT, escape
from vigil.alerts.wording.fitting import cut, one_line
from vigil.status.core.incidents.cards import incident_path
from vigil.status.core.states import OF_IMPACT, PublicImpact, PublicState
from vigil.status.core.subscribers.wording import SubscriberLinks, ToldPage, ToldUpdate

Json = dict[str, Any]
_QUIET = {"unfurl_links": False, "unfurl_media": False}


def webhook_update(page: ToldPage, update: ToldUpdate, links: SubscriberLinks, now: datetime) -> Json:
    """An update of an incident."""
    said = {
        "id": update.id,
        "incident_id": update.incident,
        "status": update.state,
        "body": update.text,
        "created_at": _at(update.at),
        "display_at": _at(update.at),
        "updated_at": _at(update.at),
    }
    incident: Json = {
        "id": update.incident,
        "name": update.title,
        "status": update.state,
        "impact": update.impact,
        "created_at": _at(update.started_at),
        "updated_at": _at(update.at),
        "resolved_at": _at(update.resolved_at) if update.resolved_at else None,
        "shortlink": f"{page.address}/{incident_path(update.incident)}",
        "incident_updates": [said],
        "components": [{"id": public_id, "name": name} for public_id, name in update.components],
    }
    if update.planned is not None:
        incident |= {"scheduled_for": _at(update.planned[0]), "scheduled_until": _at(update.planned[1])}
    return {**_frame(page, links, now), "incident": incident}


def webhook_challenge(page: ToldPage, links: SubscriberLinks, secret: str, challenge: str, now: datetime) -> Json:
    """The question to a receiver whether it wants to be told: it answers with the challenge, and keeps the secret."""
    return {
        **_frame(page, links, now),
        "type": "subscription.challenge",
        "challenge": challenge,
        "secret": secret,
        "answer": page.words.letters.webhook_answer,
    }


def webhook_reminder(page: ToldPage, links: SubscriberLinks, now: datetime) -> Json:
    """The links of a subscription, for an address that asked again."""
    return {**_frame(page, links, now), "type": "subscription.exists"}


def slack_update(page: ToldPage, update: ToldUpdate, links: SubscriberLinks) -> Json:
    """An update of an incident: plain text, which makes no mention and no link."""
    head = f"{update.named_state(page.words)}: {update.title}"
    blocks = [
        {"type": "header", "text": _plain(cut(one_line(head), HEADER_LIMIT))},
        {"type": "section", "text": _plain(cut(update.text, SECTION_LIMIT))},
        _context(cut(" · ".join(update.facts(page.words)), SECTION_LIMIT)),
        _context_links(page, links, f"{page.address}/{incident_path(update.incident)}"),
    ]
    return {"text": escape(cut(f"{page.title}: {head}", 1_000)), "blocks": blocks, **_QUIET}


def slack_greeting(page: ToldPage, links: SubscriberLinks) -> Json:
    """The first message to a channel."""
    text = page.words.letters.slack_greeting.format(title=page.title)
    blocks = [{"type": "section", "text": _plain(text)}, _context_links(page, links, page.address)]
    return {"text": escape(text), "blocks": blocks, **_QUIET}


def _frame(page: ToldPage, links: SubscriberLinks, now: datetime) -> Json:
    impact = PublicImpact(page.indicator)
    state = PublicState.OPERATIONAL if impact is PublicImpact.NONE else OF_IMPACT[impact]
    return {
        "meta": {"unsubscribe": links.manage, "documentation": page.address, "generated_at": _at(now)},
        "page": {
            "id": page.id,
            "name": page.title,
            "url": page.address,
            "status_indicator": page.indicator,
            "status_description": page.words.says[state],
        },
    }


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text or " ", "emoji": False}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [_plain(text)]}


def _context_links(page: ToldPage, links: SubscriberLinks, address: str) -> Json:
    own = escape(page.words.letters.choose_or_leave)
    shown = f"<{escape(address)}|{escape(page.title)}> · <{escape(links.manage)}|{own}>"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": shown, "verbatim": True}]}


def _at(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
