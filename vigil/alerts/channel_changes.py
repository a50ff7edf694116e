"""The write path of channels: what could not be sent with is refused before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from vigil.accounts.sealed import Secrets
from vigil.alerts.channels import ChannelSettingsError, check_channel, webhook
from vigil.alerts.models import Channel


def save_channel(channel: Channel, wanted: Mapping[str, Any]) -> Channel:
    """Create or change a channel; raises `ValidationError` keyed by field."""
    for name, value in wanted.items():
        setattr(channel, name, Secrets(value) if name == "secrets" else value)
    channel.full_clean(exclude=["config", "secrets"])
    prepare_channel(channel)
    channel.save()
    return channel


def prepare_channel(channel: Channel) -> None:
    """Give a webhook without a secret a fresh one, and refuse settings that cannot be sent with.

    Raises `ValidationError` keyed by field.
    """
    if not isinstance(channel.config, Mapping):
        raise ValidationError({"config": ["Must be an object."]})
    if channel.kind == "webhook" and not channel.secrets.get("secret"):
        channel.secrets = Secrets({**channel.secrets, "secret": webhook.new_secret()})
    if channel.enabled:
        # Whoever switches it on has looked at why it was off.
        channel.refused, channel.disabled_at, channel.disabled_why = [], None, ""
    try:
        check_channel(channel.kind, channel.config, channel.secrets)
    except ChannelSettingsError as refused:
        raise ValidationError({refused.field: [refused.problem]}) from None
