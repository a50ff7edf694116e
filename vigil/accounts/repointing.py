"""Refusal of changes that would send stored secrets to another destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog
from django.core.exceptions import ValidationError

_log = structlog.get_logger(__name__)


class SecretBearer(Protocol):
    """A row that sends its secrets to where its kind and configuration say."""

    public_id: Any
    kind: Any
    config: Any
    secrets: Any


def require_new_secrets(
    stored: SecretBearer, wanted: Mapping[str, Any], destination: Callable[[str, Any], object]
) -> None:
    """Refuse a change `wanted` that gives a row with secrets another destination, unless it sets `secrets` too.

    Who may write a row may not read its secrets, and would by having them sent to a server of their own. Raises
    `ValidationError` that names the secrets. `destination` gives None for what cannot be read, which validation
    refuses in words of its own. Both cases are logged.
    """
    if not {"kind", "config"} & wanted.keys() or not stored.secrets:
        return
    new = destination(wanted.get("kind", stored.kind), wanted.get("config", stored.config))
    if new is None or new == destination(stored.kind, stored.config):
        return
    names = sorted(stored.secrets)
    if "secrets" not in wanted:
        _log.warning("secrets.repointing_refused", row=stored.public_id, secrets=names)
        raise ValidationError(
            {
                "secrets": [
                    "This change sends the stored secrets to another destination. Give them again in the same "
                    f"request ({', '.join(names)}), or an empty object to remove them."
                ]
            }
        )
    _log.info("secrets.repointed", row=stored.public_id, stored=names, given=sorted(wanted["secrets"]))
