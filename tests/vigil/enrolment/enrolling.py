"""Attempts of workers to enrol, and their connections to Redis."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import redis
from django.test import Client

from vigil.enrolment.codes import IssuedLine

REFUSED_LOGIN = (redis.AuthenticationError, redis.ConnectionError)


def code_of(issued: IssuedLine) -> str:
    return next(word for word in issued.commands["checkout"].split() if word.startswith("vge_"))


def ask(code: str, key: bytes = b"k", **more: Any) -> tuple[int, dict[str, Any]]:
    """Status and document of an attempt with the keys `key` * 32."""
    shown = base64.b64encode(key * 32).decode()
    body = {"v": 1, "code": code, "sealing_key": shown, "signing_key": shown}
    answer = Client(REMOTE_ADDR="127.0.0.1").post("/enrol", body, content_type="application/json", **more)
    return answer.status_code, answer.json()


def worker(answer: dict[str, Any]) -> redis.Redis:
    """A connection as the worker's; its user may not SELECT, and tests use other databases than 0."""
    parts = urlsplit(answer["redis_url"])
    return redis.Redis(
        host=parts.hostname or "", port=parts.port or 0, username=parts.username, password=parts.password,
        driver_info=None,
    )  # fmt: skip
