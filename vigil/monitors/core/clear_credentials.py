"""Credentials that stand in clear in a configuration: which parts look like one, and the same without them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from probes.specs.credentials import PERSONAL

HIDDEN = "***"
#: Keys as their issuers spell them, and what follows a scheme of HTTP authentication; also within longer text.
_KEY = re.compile(
    r"(?:\b(?:Bearer|Basic|Token)\s+\S{8,}|\b(?:sk|pk|rk|ghp|gho|xox[abp]|hf|gsk)[-_][\w-]{8,}|\beyJ\w{8,}\.[\w.-]+)"
)
_IN_QUERY = re.compile(
    r"([?&](?:key|sig|[a-z_-]*(?:api[_-]?key|token|secret|auth|passw|signature|access[_-]?key)[a-z_-]*)=)[^&#\s]+",
    re.IGNORECASE,
)


def hidden_in_text(text: str) -> str:
    """The text, such as an address, with what looks like a credential replaced."""
    return _KEY.sub(HIDDEN, _IN_QUERY.sub(rf"\g<1>{HIDDEN}", text))


def hidden(config: Any) -> Any:
    """The configuration with what looks like a credential replaced."""
    if isinstance(config, str):
        return hidden_in_text(config)
    if isinstance(config, Mapping):
        return {name: _headers(part) if name == "headers" else hidden(part) for name, part in config.items()}
    return [hidden(part) for part in config] if isinstance(config, list) else config


def credentials_in(config: Any) -> list[str]:
    """Dotted paths of the parts of a configuration that hold a credential in clear, at most ten."""
    return list(dict.fromkeys(_differences("config", config, hidden(config))))[:10]


def _headers(headers: Any) -> Any:
    if isinstance(headers, Mapping):
        return {name: _header(str(name), value) for name, value in headers.items()}
    if isinstance(headers, list):
        return [
            [pair[0], _header(pair[0], pair[1])]
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)
            else hidden(pair)
            for pair in headers
        ]
    return hidden(headers)


def _header(name: str, value: Any) -> Any:
    is_personal = PERSONAL.search(name) and name.lower() != "host"
    return HIDDEN if is_personal and isinstance(value, str) and value else hidden(value)


def _differences(path: str, shown: Any, masked: Any) -> Iterator[str]:
    if isinstance(shown, Mapping):
        for name, part in shown.items():
            yield from _differences(f"{path}.{name}", part, masked[name])
    elif isinstance(shown, list):
        for number, part in enumerate(shown):
            named = path.endswith(".headers") and isinstance(part, list) and len(part) == 2
            if named and part != masked[number]:
                yield f"{path}.{part[0]}"
            elif not named:
                yield from _differences(f"{path}.{number}", part, masked[number])
    elif shown != masked:
        yield path
