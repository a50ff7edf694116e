"""Gatus alerting providers as channels. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vigil.importers.core import channels
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedChannel
from vigil.importers.core.values import mapping, mappings, text

_Maker = Callable[[str, dict[str, Any], str], ImportedChannel]
_WEBHOOKS = {
    "slack": "slack", "discord": "discord", "teams": "teams", "teams-workflows": "teams", "googlechat": "google_chat"
}  # fmt: skip


def _webhook_maker(kind: str) -> _Maker:
    return lambda name, given, origin: channels.with_url(kind, name, given.get("webhook-url"), origin)


def _telegram(name: str, given: dict[str, Any], origin: str) -> ImportedChannel:
    made = channels.telegram(name, given.get("token"), given.get("id"), origin, given.get("topic-id"))
    server = text(given.get("api-url")).rstrip("/")
    if server and server != "https://api.telegram.org":
        made.config["url"] = server
    return made


_MAKERS: dict[str, _Maker] = {
    **{
        provider: _webhook_maker(kind)
        for provider, kind in _WEBHOOKS.items()
    },
    "telegram": _telegram,
    "pagerduty": lambda name, given, origin: channels.pagerduty(name, given.get("integration-key"), origin),
    "opsgenie": lambda name, given, origin: channels.opsgenie(name, given.get("api-key"), False, origin),
    "ntfy": lambda name, given, origin: channels.ntfy(
        name, given.get("url"), given.get("topic"), given.get("token"), origin
    ),
    "email": lambda name, given, origin: channels.email(name, given.get("to"), origin),
    "twilio": lambda name, given, origin: channels.sms(
        name, given.get("sid"), given.get("token"), (given.get("from"), given.get("to")), origin
    ),
    "custom": lambda name, given, origin: channels.webhook(name, given.get("url"), origin),
    "pushover": lambda name, given, origin: channels.apprise(
        name, channels.pushover_address(given.get("user-key"), given.get("application-token")), origin
    ),
    "mattermost": lambda name, given, origin: channels.slack_alike(name, given.get("webhook-url"), origin),
    "rocketchat": lambda name, given, origin: channels.slack_alike(name, given.get("webhook-url"), origin),
}  # fmt: skip


def add_channels(draft: Draft, alerting: Any, used: set[str]) -> None:
    """Add a channel for each provider, and for each group for which one has other settings.

    `used` are the ids that endpoints attach, `provider|group`; each is made to stand for its channel.
    """
    for provider, settings in mapping(alerting).items():
        given = mapping(settings)
        if not given:
            continue
        maker = _MAKERS.get(provider)
        if maker is None:
            draft.refuse("channel", provider, channels.NO_KIND)
            continue
        key = draft.add_channel(maker(provider, given, f"Gatus alerting.{provider}"))
        overrides = {text(each.get("group")): each for each in mappings(given.get("overrides"))}
        for id in sorted(used):
            if id.partition("|")[0] != provider:
                continue
            group = id.partition("|")[2]
            own = key
            if group in overrides:
                own = draft.channel_keys.get(f"{provider} {group}") or draft.add_channel(
                    maker(f"{provider} {group}", {**given, **overrides[group]}, f"Gatus alerting.{provider} of {group}")
                )
            if own:
                draft.channel_keys[id] = own


def with_defaults(endpoint: dict[str, Any], alerting: Any) -> dict[str, Any]:
    """The endpoint with the default alert of each provider under its own alerts."""
    defaults = {provider: mapping(mapping(given).get("default-alert")) for provider, given in mapping(alerting).items()}
    alerts = [{**defaults.get(text(each.get("type")), {}), **each} for each in mappings(endpoint.get("alerts"))]
    return {**endpoint, "alerts": alerts} if alerts else endpoint
