"""Channel form: typed fields of a kind's settings and secrets, and what a sent one means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from vigil.alerts.channels import CHANNELS
from vigil.web.forms.controls import controls_of
from vigil.web.forms.settings_form import Sent, read_settings, setting_fields
from vigil.web.forms.words import words_of
from vigil.web.parts.fields import FormField

#: Settings and secrets that stand first although a kind can do without them.
FIRST = {"slack": ("url",)}
CONFIG, SECRET = "config.", "secret."


@dataclass(frozen=True, slots=True)
class ChannelFields:
    """Fields of a channel: those that it needs, and those behind More."""

    first: list[FormField]
    more: list[FormField]


def channel_fields(
    kind: str,
    config: Mapping[str, Any],
    stored_secrets: frozenset[str],
    sent: Sent | None = None,
    errors: Mapping[str, list[str]] | None = None,
) -> ChannelFields:
    """Fields of a kind; the values of secrets are never shown."""
    found, errors = CHANNELS[kind], errors or {}
    shown = setting_fields(found.config, CONFIG, dict(config), sent, errors)
    struct: type[msgspec.Struct] = found.config
    needed = {one.name for one in controls_of(struct) if one.required}
    first = [one for name, one in shown.items() if name in needed]
    more = [one for name, one in shown.items() if name not in needed]
    for name, secret in found.secrets.items():
        is_first = secret.needed or name in FIRST.get(kind, ())
        if kind == "webhook" and name == "secret":
            is_first = False
        one = FormField(
            f"{SECRET}{name}",
            "Web address" if name == "url" else words_of(name).label,
            kind="stored" if name in stored_secrets else "password",
            hint=secret.words,
            errors=errors.get(f"{SECRET}{name}", []),
            required=secret.needed and name not in stored_secrets and is_first,
        )
        (first if is_first else more).append(one)
    return ChannelFields(first, more)


@dataclass(frozen=True, slots=True)
class SentChannel:
    """What a sent form means: fields of the write path, and errors by field."""

    config: dict[str, Any]
    secrets: dict[str, str]
    errors: dict[str, list[str]]


def read_channel(kind: str, sent: Sent, config: Mapping[str, Any], secrets: Mapping[str, str]) -> SentChannel:
    """Settings and secrets; a secret that was not given again stays as it is."""
    read = read_settings(CHANNELS[kind].config, CONFIG, sent, dict(config))
    kept = dict(secrets)
    for name in CHANNELS[kind].secrets:
        given = sent.get(f"{SECRET}{name}", "").strip()
        if given:
            kept[name] = given
    return SentChannel(read.settings, kept, read.errors)
