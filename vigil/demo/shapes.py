"""Recorded provider: its key check, healthy answers, and error formats."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from vigil.demo.exchange import ServedAnswer, ServedRequest, as_json

DEMO_KEY = "demo-key"
DEMO_LOGIN = f"demo:{DEMO_KEY}"
NOT_FOUND = as_json(404, {"error": "not found"})
STARTING = as_json(503, {"error": "starting"})
SLOW_DOWN = ServedAnswer(429)
_SPELLINGS = {f"Bearer {DEMO_KEY}", f"ApiKey {DEMO_KEY}", "Basic " + base64.b64encode(DEMO_LOGIN.encode()).decode()}
Endpoints = dict[tuple[str, str], "RecordedEndpoint"]


class Auth(StrEnum):
    """Where a provider expects the key; the value is the header's name in lower case, or empty."""

    NONE = ""
    BEARER = "authorization"
    X_API_KEY = "x-api-key"
    X_GOOG_API_KEY = "x-goog-api-key"
    API_KEY = "api-key"


@dataclass(frozen=True, slots=True)
class RecordedEndpoint:
    """A healthy answer, and whether it requires the key."""

    answer: ServedAnswer
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class RecordedProvider:
    """Healthy answers and error formats of a provider."""

    auth: Auth
    endpoints: Mapping[tuple[str, str], RecordedEndpoint]
    bad_key: ServedAnswer
    overloaded: ServedAnswer
    loading: ServedAnswer
    missing: ServedAnswer
    rate_limited: ServedAnswer = SLOW_DOWN
    #: Answers that change from request to request, asked before the table; takes the request and its path.
    live: Callable[[ServedRequest, str], ServedAnswer | None] | None = None


def get(path: str, answer: ServedAnswer, guarded: bool = False) -> Endpoints:
    """A healthy answer to GET."""
    return {("GET", path): RecordedEndpoint(answer, guarded)}


def post(path: str, answer: ServedAnswer, guarded: bool = False) -> Endpoints:
    """A healthy answer to POST."""
    return {("POST", path): RecordedEndpoint(answer, guarded)}


def openai_error(code: int, kind: str, message: str, reason: str | None = None) -> ServedAnswer:
    """An error in OpenAI's format."""
    return as_json(code, {"error": {"message": message, "type": kind, "param": None, "code": reason}})


def too_many(message: str = "Rate limit reached.") -> ServedAnswer:
    """A rate limit error in OpenAI's format, with remaining quota and retry time."""
    body = {"error": {"message": message, "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    return as_json(
        429,
        body,
        ("retry-after", "20"),
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "20s"),
    )


def model_list(*names: str, **more: object) -> ServedAnswer:
    """A list of models in OpenAI's format."""
    rows = [{"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system", **more} for name in names]
    return as_json(200, {"object": "list", "data": rows})


def has_key(auth: Auth, headers: Mapping[str, str]) -> bool:
    """Whether the request has the demo key."""
    if auth is Auth.NONE:
        return True
    given = headers.get(auth.value, "")
    return given in _SPELLINGS if auth is Auth.BEARER else given == DEMO_KEY
