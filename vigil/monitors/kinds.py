"""Reference of the kinds of monitors: what each does, its configuration, its secrets, and an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

Json = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_IDENTITY = {
    "client_certificate": "Certificate that it shows, in PEM; comes with `client_key`.",
    "client_key": "Private key of `client_certificate`, in PEM.",
}
_REQUEST = {
    "bearer": "Sent as `Authorization: Bearer ...`.",
    "basic": "User and password, written user:password; not beside `bearer`.",
    "header.<Name>": "Value of the header <Name>.",
    **_IDENTITY,
}
_LOGIN = {"username": "Comes with `password`.", "password": "Or user:password, or the address of the store with both."}
#: Names of secrets and what each is. None of them is required.
_SECRETS: Mapping[str, Mapping[str, str]] = {
    "canary": _REQUEST, "grpc": _REQUEST, "http": _REQUEST, "mcp": _REQUEST, "saturation": _REQUEST,
    "websocket": _REQUEST,
    "tcp": _IDENTITY, "tls": _IDENTITY, "redis": _LOGIN, "postgresql": {**_LOGIN, **_IDENTITY},
}  # fmt: skip
_EXAMPLES: Mapping[str, Json] = {
    "canary": {
        "url": "https://api.openai.com/v1/chat/completions",
        "form": "openai_chat",
        "model": "gpt-5.6-luna",
        "reasoning_effort": "none",
        "billing_acknowledged": True,
        "monthly_budget": 2,
        "expect_text": "ready",
    },
    "dns": {"name": "example.com", "record": "A"},
    "domain": {"domain": "example.com", "degraded_days": 30, "down_days": 7},
    "grpc": {"host": "grpc.example.com", "port": 443, "service": "package.Service"},
    "http": {
        "url": "https://api.example.com/health",
        "assertions": [{"type": "jsonpath", "path": "$.status", "equals": "ok"}],
    },
    "icmp": {"host": "gateway.example.com", "echoes": 3},
    "mcp": {"url": "https://tools.example.com/mcp", "expected_tools": ["search"]},
    "postgresql": {"host": "db.example.com", "user": "vigil", "database": "postgres", "tls": True},
    "redis": {"host": "cache.example.com", "port": 6379},
    "saturation": {"url": "http://gpu.example.com:8000/metrics", "engine": "vllm", "waiting_most": 10},
    "tcp": {"host": "mail.example.com", "port": 25, "expect": "220"},
    "tls": {"host": "example.com", "degraded_days": 14, "down_days": 3},
    "websocket": {"url": "wss://live.example.com/socket", "send": "ping", "expect": "pong"},
}


@dataclass(frozen=True, slots=True)
class SecretReference:
    """One secret: its name, what it is, and whether it must be given."""

    name: str
    words: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class MonitorKindReference:
    """One kind; `schema` is JSON Schema of its `config`, `example` a config that is valid, empty if there is none."""

    kind: str
    words: str
    least_interval_s: int
    schema: Json
    secrets: tuple[SecretReference, ...]
    example: Json


def monitor_kinds() -> list[MonitorKindReference]:
    """References of all kinds that regions check, by name."""
    # Imported late: most processes never write a monitor, and the probers load slowly.
    from probes.probers import PROBERS

    return [
        MonitorKindReference(
            kind=kind,
            words=" ".join((PROBERS[kind].spec.__doc__ or kind).split()),
            least_interval_s=PROBERS[kind].least_interval_s,
            schema={"$schema": _DIALECT, **msgspec.json.schema(PROBERS[kind].spec)},
            secrets=tuple(SecretReference(name, words) for name, words in _SECRETS.get(kind, {}).items()),
            example=_EXAMPLES.get(kind, {}),
        )
        for kind in sorted(PROBERS)
    ]
