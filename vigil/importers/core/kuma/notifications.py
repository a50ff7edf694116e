"""Notifications of Uptime Kuma as channels. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from vigil.importers.core import channels
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedChannel
from vigil.importers.core.kuma.rows import KumaRows
from vigil.importers.core.values import from_json, mapping, text

_Maker = Callable[[str, dict[str, Any], str], ImportedChannel]


def _url(kind: str, field: str) -> _Maker:
    return lambda name, given, origin: channels.with_url(kind, name, given.get(field), origin)


def _ntfy(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    token = given.get("ntfyaccesstoken") if given.get("ntfyAuthenticationMethod") == "accessToken" else None
    made = channels.ntfy(name, given.get("ntfyserverurl"), given.get("ntfytopic"), token, origin)
    if given.get("ntfyAuthenticationMethod") == "usernamePassword":
        made.notes.append("its user and password are left out: make an access token on the server")
    return made


def _email(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    to = [given.get(field) for field in ("smtpTo", "smtpCC", "smtpBCC") if given.get(field)]
    return channels.email(name, to, origin)


def _telegram(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    made = channels.telegram(
        name, given.get("telegramBotToken"), given.get("telegramChatID"), origin, given.get("telegramMessageThreadID")
    )
    server = text(given.get("telegramServerUrl")).rstrip("/")
    if server and server != "https://api.telegram.org":
        made.config["url"] = server
    return made


def _slack(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    url = text(given.get("slackwebhookURL"))
    if "hooks.slack.com" in url or not url:
        return channels.with_url("slack", name, url, origin)
    return channels.slack_alike(name, url, origin)


def _discord(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    url, thread = text(given.get("discordWebhookUrl")), text(given.get("threadId")).strip()
    if url and thread and text(given.get("discordChannelType")) == "postToThread":
        url += f"{'&' if '?' in url else '?'}thread_id={thread}"
    return channels.with_url("discord", name, url, origin)


def _pagerduty(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    made = channels.pagerduty(name, given.get("pagerdutyIntegrationKey"), origin)
    # Accounts in Europe have a server of their own.
    if "//events.eu.pagerduty.com" in text(given.get("pagerdutyIntegrationUrl")):
        made.config["url"] = "https://events.eu.pagerduty.com/v2/enqueue"
    return made


def _through_apprise(*fields: str, scheme: str, between: str = "@") -> _Maker:
    """A service that apprise calls by its own keys; of a field that is an address, its last part is one."""

    def made(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
        keys = [re.split(r"[/=]", text(given.get(field)).strip().rstrip("/"))[-1] for field in fields]
        return channels.apprise(name, f"{scheme}://" + between.join(quote(key, safe="") for key in keys if key), origin)

    return made


def _twilio(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    sender = given.get("twilioMessagingServiceSID") or given.get("twilioFromNumber")
    numbers = sender, given.get("twilioToNumber")
    made = channels.sms(name, given.get("twilioAccountSID"), given.get("twilioAuthToken"), numbers, origin)
    if given.get("twilioApiKey"):
        made.secrets["key_sid"] = text(given["twilioApiKey"])
    return made


_MAKERS: dict[str, _Maker] = {
    "slack": _slack,
    "discord": _discord,
    "teams": _url("teams", "webhookUrl"),
    "GoogleChat": _url("google_chat", "googleChatWebhookURL"),
    "telegram": _telegram,
    "ntfy": _ntfy,
    "smtp": _email,
    "twilio": _twilio,
    "PagerDuty": _pagerduty,
    "Opsgenie": lambda name, given, origin: channels.opsgenie(
        name, given.get("opsgenieApiKey"), text(given.get("opsgenieRegion")).lower() == "eu", origin
    ),
    "webhook": lambda name, given, origin: channels.webhook(name, given.get("webhookURL"), origin),
    "apprise": lambda name, given, origin: channels.apprise(name, text(given.get("appriseURL")), origin),
    "pushover": lambda name, given, origin: channels.apprise(
        name, channels.pushover_address(given.get("pushoveruserkey"), given.get("pushoverapptoken")), origin
    ),
    "pushbullet": _through_apprise("pushbulletAccessToken", scheme="pbul"),
    "ServerChan": _through_apprise("serverChanSendKey", scheme="schan"),
    "PushByTechulus": _through_apprise("pushAPIKey", scheme="push"),
    "FreeMobile": _through_apprise("freemobileUser", "freemobilePass", scheme="freemobile"),
    "Feishu": _through_apprise("feishuWebHookUrl", scheme="feishu"),
    "DingDing": _through_apprise("secretKey", "webHookUrl", scheme="dingtalk"),
    "mattermost": lambda name, given, origin: channels.slack_alike(name, given.get("mattermostWebhookUrl"), origin),
    "rocket.chat": lambda name, given, origin: channels.slack_alike(name, given.get("rocketwebhookURL"), origin),
}  # fmt: skip
_BY_LOWER = {name.lower(): maker for name, maker in _MAKERS.items()}


def add_notifications(draft: Draft, rows: KumaRows) -> None:
    """Add a channel for each notification, under its id."""
    for id, row in rows.notifications.items():
        given = {**mapping(from_json(row.get("config"))), **{k: v for k, v in row.items() if k in ("type", "name")}}
        given = {**given, **mapping(from_json(row.get("config")))}
        kind, name = text(given.get("type")), text(row.get("name")) or text(given.get("name")) or f"notification {id}"
        maker = _BY_LOWER.get(kind.lower())
        if maker is None:
            draft.refuse("channel", name, f"{channels.NO_KIND} ({kind[:40] or 'no type'})")
            continue
        channel = maker(name, given, f"Uptime Kuma notification {id}")
        channel.id = str(id)
        draft.add_channel(channel)
