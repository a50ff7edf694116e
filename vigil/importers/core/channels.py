"""Channels of a source in Vigil's kinds, by the settings that other tools keep. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from vigil.importers.core.drafted import ImportedChannel
from vigil.importers.core.names import has_reference
from vigil.importers.core.values import entries, text, whole

_ADDRESSES = re.compile(r"[\s,;]+")
NO_KIND = "Vigil has no channel of this kind: add one by hand, or let a `webhook` channel call a bridge to it"


def with_url(kind: str, name: str, url: object, origin: str) -> ImportedChannel:
    """A channel of a kind that is one secret address: slack, discord, teams, google_chat."""
    return ImportedChannel(name, kind, {}, origin, secrets={"url": text(url).strip()})


def pagerduty(name: str, key: object, origin: str) -> ImportedChannel:
    return ImportedChannel(name, "pagerduty", {}, origin, secrets={"routing_key": text(key).strip()})


def opsgenie(name: str, key: object, is_eu: bool, origin: str) -> ImportedChannel:
    config = {"url": "https://api.eu.opsgenie.com/v2/alerts"} if is_eu else {}
    made = ImportedChannel(name, "opsgenie", dict(config), origin, secrets={"api_key": text(key).strip()})
    made.notes.append("Atlassian switches Opsgenie off on 2027-04-05: make a `jsm` channel then")
    return made


def telegram(name: str, token: object, chat: object, origin: str, topic: object = None) -> ImportedChannel:
    config: dict[str, object] = {"chat": text(chat).strip()}
    if whole(topic):
        config["topic"] = whole(topic)
    return ImportedChannel(name, "telegram", config, origin, secrets={"token": text(token).strip()})


def ntfy(name: str, server: object, topic: object, token: object, origin: str) -> ImportedChannel:
    url = text(server).strip().rstrip("/")
    secrets = {"topic": text(topic).strip()} | ({"token": text(token).strip()} if token else {})
    return ImportedChannel(name, "ntfy", {"url": url} if url else {}, origin, secrets=secrets)


def email(name: str, to: object, origin: str) -> ImportedChannel:
    """Mail goes out by the mail server of this installation, not by that of the source."""
    listed = [each for one in entries(to) for each in _ADDRESSES.split(text(one)) if "@" in each or has_reference(each)]
    made = ImportedChannel(name, "email", {"to": listed}, origin)
    made.notes.append("it is sent by the mail server that Vigil is set up with")
    return made


def sms(name: str, account: object, token: object, numbers: tuple[object, object], origin: str) -> ImportedChannel:
    """A text by Twilio, from the first of the numbers to the second."""
    config = {"to": text(numbers[1]).strip(), "sender": text(numbers[0]).strip(), "account": text(account).strip()}
    return ImportedChannel(name, "sms", dict(config), origin, secrets={"token": text(token).strip()})


def webhook(name: str, url: object, origin: str) -> ImportedChannel:
    made = ImportedChannel(name, "webhook", {"url": text(url).strip()}, origin, secret_config=("url",))
    made.notes.append("the body is Vigil's own signed JSON: the receiver has to read that")
    return made


def apprise(name: str, address: str, origin: str) -> ImportedChannel:
    return ImportedChannel(name, "apprise", {}, origin, secrets={"url": address})


def pushover_address(user: object, token: object) -> str:
    return f"pover://{quote(text(user), safe='')}@{quote(text(token), safe='')}"


def slack_alike(name: str, url: object, origin: str) -> ImportedChannel:
    """An incoming webhook of Mattermost or Rocket.Chat, which read Slack's messages."""
    made = with_url("slack", name, url, origin)
    made.notes.append("it gets messages in Slack's form, which this service reads as well")
    return made
