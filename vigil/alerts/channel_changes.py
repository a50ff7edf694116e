"""The write path of channels: what could not be sent with is refused before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from probes.specs.destination import Destination, destination_of
from vigil.accounts.repointing import require_new_secrets
from vigil.accounts.sealed import Secrets
from vigil.alerts.channels import ChannelSettingsError, check_channel, parse_config, webhook
from vigil.alerts.models import Channel
from vigil.problems.rows import row_problems

#: Settings that say whom the receiver is to tell and how, not who the receiver is.
_TOLD = frozenset({"account", "buttons", "channel", "chat", "segments", "sender", "to", "topic"})


def save_channel(channel: Channel, wanted: Mapping[str, Any]) -> Channel:
    """Create or change a channel; raises `ValidationError` keyed by field, `Channel.DoesNotExist` if it is deleted."""
    with transaction.atomic():
        if channel.pk is not None:
            channel.refresh_from_db(from_queryset=Channel.objects.select_for_update())
        changed = [name for name in wanted if channel.pk is None or _differs(channel, name, wanted)]
        if not changed and channel.pk is not None and not channel.disabled_at:
            return channel
        check_destination(channel, wanted)
        if channel.pk is not None and {"kind", "config", "secrets"} & set(changed):
            channel.links_since = timezone.now()
        for name, value in wanted.items():
            setattr(channel, name, Secrets(value) if name == "secrets" else value)
        problems = row_problems(channel, exclude=["config", "secrets"])
        if problems:
            raise ValidationError(problems)
        prepare_channel(channel)
        channel.save()
    return channel


def _differs(channel: Channel, name: str, wanted: Mapping[str, Any]) -> bool:
    if name not in wanted:
        return False
    stored = getattr(channel, name)
    return bool(dict(stored) != dict(wanted[name]) if name == "secrets" else stored != wanted[name])


def check_destination(stored: Channel, wanted: Mapping[str, Any]) -> None:
    """Refuse a change that sends the stored secrets to another server; raises `ValidationError` that names them."""
    if stored.pk is not None:
        require_new_secrets(stored, wanted, _destination)


def _destination(kind: str, config: Any) -> Destination | None:
    """Who receives the secrets; None for settings that no kind reads."""
    try:
        return destination_of(kind, parse_config(kind, config), _TOLD)
    except (ChannelSettingsError, TypeError, ValueError):
        return None


def prepare_channel(channel: Channel) -> None:
    """Give a webhook a secret, and validate the settings; raises `ValidationError` keyed by field."""
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
