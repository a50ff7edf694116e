"""Destination of what a configuration sends, and so of the secrets that go with it."""

from __future__ import annotations

from collections.abc import Set
from urllib.parse import urlsplit

import msgspec

#: Fields of specs that say what is asked and how the answer is judged, not who is asked. Any other field counts: a
#: new one is part of the destination until it is named here.
QUESTIONS = frozenset(
    {
        "assertions", "bad_answers", "billing_acknowledged", "body", "body_limit", "busy_samples", "cache_most",
        "database", "degraded_days", "down_days", "echoes", "engine", "engines_least", "expect", "expect_json",
        "expect_text", "expected", "expected_status", "expected_tools", "family", "first_token_s", "follow_redirects",
        "form", "gap_p95_s", "input_price", "length_least", "length_most", "match", "max_tokens", "may_refuse",
        "method", "min_tls", "model", "monthly_budget", "of_answers", "output_price", "preemptions_most", "prompt",
        "protocol", "provider", "queue_age_most_s", "reasoning_effort", "record", "redirect_limit", "running_most",
        "same_model", "send", "service", "stall_s", "stalled_s", "starttls", "subprotocol", "temperature",
        "tokens_per_s", "tool", "tool_arguments", "tool_description", "tool_parameters", "user", "waiting_most",
    }
)  # fmt: skip
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

#: Pairs of a field's name and what of its value decides who receives the secrets.
Destination = frozenset[tuple[str, object]]


def destination_of(kind: str, settings: msgspec.Struct, harmless: Set[str] = QUESTIONS) -> Destination:
    """Who receives what is sent with these settings, and by what they prove who they are.

    Of a URL only scheme, host and port count, of headers only `Host`; fields in `harmless` do not count at all.
    """
    values = {name: getattr(settings, name) for name in settings.__struct_fields__ if name not in harmless}
    return frozenset({("kind", kind), *((name, _addressed(name, value)) for name, value in values.items())})


def _addressed(name: str, value: object) -> object:
    if name == "headers" and isinstance(value, tuple):
        return tuple(text for header, text in value if header.lower() == "host")
    if isinstance(value, str):
        return _origin(value) if "://" in value else value
    return value if isinstance(value, bool | int | float) else repr(value)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme)
