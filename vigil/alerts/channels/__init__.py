"""Channel registry: one file (settings, rendering, sending) and one line in `CHANNELS` for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vigil.alerts.channels import (
    alertmanager,
    apprise,
    email,
    loopback,
    ntfy,
    opsgenie,
    pagerduty,
    sms,
    telegram,
    webhook,
)
from vigil.alerts.channels.chat import discord, google_chat, slack, teams
from vigil.alerts.channels.kind import Accepted, ChannelError, ChannelSettingsError, Kind

CHANNELS: dict[str, Kind[Any, Any]] = {
    "webhook": webhook.KIND,
    "pagerduty": pagerduty.KIND,
    "slack": slack.KIND,
    "jsm": opsgenie.JSM,
    "opsgenie": opsgenie.OPSGENIE,
    "alertmanager": alertmanager.KIND,
    "discord": discord.KIND,
    "teams": teams.KIND,
    "telegram": telegram.KIND,
    "google_chat": google_chat.KIND,
    "ntfy": ntfy.KIND,
    "email": email.KIND,
    "sms": sms.KIND,
    "apprise": apprise.KIND,
    "loopback": loopback.KIND,
}


def parse_config(kind: str, config: Mapping[str, object]) -> Any:
    """Parse a channel's configuration into its kind's struct; raises `ChannelSettingsError` with one line."""
    found = CHANNELS.get(kind)
    if found is None:
        raise ChannelSettingsError("kind", f"There is no kind {kind!r}; there are {', '.join(sorted(CHANNELS))}.")
    try:
        return msgspec.convert(dict(config), found.config)
    except msgspec.ValidationError as refused:
        raise ChannelSettingsError("config", str(refused)) from None


def check_channel(kind: str, config: Mapping[str, object], secrets: Mapping[str, str]) -> None:
    """Validate a channel's settings before saving; raises `ChannelSettingsError` with one line."""
    parsed = parse_config(kind, config)
    found = CHANNELS[kind]
    unknown = sorted(set(secrets) - set(found.secrets))
    missing = sorted(name for name, secret in found.secrets.items() if secret.needed and not secrets.get(name))
    if unknown:
        raise ChannelSettingsError(
            "secrets", f"{kind} has no secret {unknown[0]!r}; it has {', '.join(found.secrets)}."
        )
    if missing:
        raise ChannelSettingsError("secrets", f"{kind} needs the secret {missing[0]!r}.")
    found.check(parsed, secrets)


__all__ = ["CHANNELS", "Accepted", "ChannelError", "ChannelSettingsError", "Kind", "check_channel", "parse_config"]
