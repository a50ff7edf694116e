"""Models list of the demo, in Mistral's form: one model retires in 30 days, and an alias comes to mean another."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from vigil.demo.exchange import ServedAnswer, ServedRequest, as_json
from vigil.demo.shapes import Auth, has_key

#: So long (s) after the first request the alias means the next model. It is told once it has settled.
TURNS_AFTER_S = 400.0
RETIRES_IN = timedelta(days=30)
ALIAS = "mistral-small-latest"
OLD, _NEXT = "mistral-small-2506", "mistral-small-2603"


class LiveModelList:
    """Begins to count at its first request."""

    def __init__(self, turns_after_s: float = TURNS_AFTER_S) -> None:
        self._turns_after_s = turns_after_s
        self._first_s = 0.0

    def answer(self, request: ServedRequest, path: str) -> ServedAnswer | None:
        """The list to a request with the key; None for any other."""
        if (request.method, path) != ("GET", "/v1/models") or not has_key(Auth.BEARER, request.headers):
            return None
        now_s = time.monotonic()
        self._first_s = self._first_s or now_s
        turned = now_s - self._first_s >= self._turns_after_s
        return as_json(200, {"object": "list", "data": rows(datetime.now(UTC), turned)})


def rows(now: datetime, turned: bool) -> list[dict[str, object]]:
    """Rows of the list; `turned`: the alias means the next model."""
    ends = (now + RETIRES_IN).replace(hour=12, minute=0, second=0, microsecond=0)
    return [
        _row(OLD, not turned, deprecation=f"{ends:%Y-%m-%dT%H:%M:%SZ}", deprecation_replacement_model=_NEXT),
        _row(_NEXT, turned),
        _row("ministral-3b-2512", aliased=False),
    ]


def _row(name: str, aliased: bool, **more: object) -> dict[str, object]:
    return {
        "id": name,
        "object": "model",
        "created": 1_715_367_049,
        "owned_by": "mistralai",
        "capabilities": {"completion_chat": True},
        "max_context_length": 131_072,
        "aliases": [ALIAS] if aliased else [],
        **more,
    }
