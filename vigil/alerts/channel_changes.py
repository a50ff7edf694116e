"""Write path of channels: validates settings before saving."""

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
    """Prepare a channel: a webhook without a secret gets one; raises `ValidationError` keyed by field."""
    if not isinstance(channel.config, Mapping):
        raise ValidationError({"config": ["Must be an object."]})
    if channel.kind == "webhook" and not channel.secrets.get("secret"):
        channel.secrets = Secrets({**channel.secrets, "secret": webhook.new_secret()})
    if channel.enabled:
        # A person who switches it on has read why it was off.
        channel.refused, channel.disabled_at, channel.disabled_why = [], None, ""
    try:
        check_channel(channel.kind, channel.config, channel.secrets)
    except ChannelSettingsError as refused:
        raise ValidationError({refused.field: [refused.problem]}) from None
