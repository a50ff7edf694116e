"""Secrets of a monitor in forms: fields by kind, which show that one is stored and never what. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from vigil.web.forms.settings_form import Sent
from vigil.web.parts.fields import FormField

_REQUEST = ("bearer", "basic", "client_certificate", "client_key")
_LOGIN = ("username", "password")
_IDENTITY = ("client_certificate", "client_key")
#: Secrets that have a field, by kind; requests take headers as well.
BY_KIND: Mapping[str, tuple[str, ...]] = {
    "canary": _REQUEST,
    "http": _REQUEST,
    "websocket": _REQUEST,
    "grpc": _REQUEST,
    "mcp": _REQUEST,
    "saturation": _REQUEST,
    "tcp": _IDENTITY,
    "tls": _IDENTITY,
    "postgresql": (*_LOGIN, *_IDENTITY),
    "redis": _LOGIN,
}
PREFIX, FORGET, HEADER = "secret.", "forget.", "header."
NEW_NAME, NEW_VALUE = "new_header.name", "new_header.value"
_LABELS = {
    "bearer": ("Bearer token", "Sent as Authorization: Bearer."),
    "basic": ("User and password", "Written user:password, sent as Authorization: Basic."),
    "username": ("User name", ""),
    "password": ("Password", ""),
    "client_certificate": ("Client certificate", "As PEM, with its key."),
    "client_key": ("Key of the client certificate", "As PEM."),
}


def secret_fields(kind: str, stored: frozenset[str], errors: Mapping[str, list[str]]) -> list[FormField]:
    """Fields of a kind; of a stored secret also a box to forget it."""
    fields: list[FormField] = []
    for name in _names(kind, stored):
        label, hint = _LABELS.get(name, (f"Header {name.removeprefix(HEADER)}", ""))
        is_stored = name in stored
        control = "stored" if is_stored else "textarea" if name in _IDENTITY else "password"
        fields.append(FormField(PREFIX + name, label, kind=control, hint=hint, errors=errors.get(PREFIX + name, ())))
        if is_stored:
            fields.append(FormField(FORGET + name, f"Forget the {label[:1].lower()}{label[1:]}", kind="checkbox"))
    if takes_headers(kind):
        hint = "A header whose value is secret, such as x-api-key."
        fields.append(FormField(NEW_NAME, "Secret header", hint=hint, errors=errors.get(NEW_NAME, ())))
        fields.append(FormField(NEW_VALUE, "Its value", kind="password", errors=errors.get(NEW_VALUE, ())))
    return fields


def takes_headers(kind: str) -> bool:
    """Whether secrets of this kind can be headers."""
    return BY_KIND.get(kind) == _REQUEST


def read_secrets(kind: str, sent: Sent, stored: Mapping[str, str]) -> dict[str, str] | None:
    """All secrets after a form; None if it gives none and forgets none, so that the stored ones stay unread."""
    given = {name: _given(sent, name) for name in _names(kind, frozenset(stored))}
    given = {name: text for name, text in given.items() if text}
    forgotten = {name for name in stored if FORGET + name in sent}
    header = sent.get(NEW_NAME, "").strip()
    if takes_headers(kind) and header:
        given[HEADER + header] = sent.get(NEW_VALUE, "").strip()
    if not given and not forgotten:
        return None
    return {**{name: text for name, text in stored.items() if name not in forgotten}, **given}


def _given(sent: Sent, name: str) -> str:
    text = sent.get(PREFIX + name, "")
    return text.replace("\r\n", "\n") if name in _IDENTITY else text


def _names(kind: str, stored: frozenset[str]) -> list[str]:
    known = BY_KIND.get(kind, ())
    return [*known, *sorted(stored - set(known))]
