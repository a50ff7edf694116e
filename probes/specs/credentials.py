"""Credentials of a request: whether it says who asks, by a secret, a header or a key in its URL. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: Headers that say who asks, or for whom, by parts of their names: users put keys into plain headers.
PERSONAL = re.compile(r"auth|key|token|secret|cookie|session|passw|credential|signature|^host$", re.IGNORECASE)
_KEY_IN_URL = re.compile(
    r"[?&](?:key|sig|[a-z_-]*(?:api[_-]?key|token|secret|auth|passw|signature|access[_-]?key)[a-z_-]*)=", re.IGNORECASE
)


def has_credential(secrets: Mapping[str, str], headers: Iterable[tuple[str, str]], url: str) -> bool:
    """Whether the request says who asks."""
    if secrets or any(PERSONAL.search(name) and name.lower() != "host" for name, _ in headers):
        return True
    return _KEY_IN_URL.search(url) is not None
