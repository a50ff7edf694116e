"""Attempts of workers to enrol, and their connections to Redis."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import msgspec
import redis
from django.test import Client

from probes.enrolment.messages import enrolment_request
from probes.signing.private_keys import SigningKey, region_signing_key
from vigil.enrolment.codes import IssuedLine

REFUSED_LOGIN = (redis.AuthenticationError, redis.ConnectionError)


def code_of(issued: IssuedLine) -> str:
    return next(word for word in issued.commands["checkout"].split() if word.startswith("vge_"))


def signing_key(key: bytes = b"k") -> SigningKey:
    """The signing key of the worker whose secret is `key` * 32."""
    return region_signing_key(base64.b64encode(key * 32).decode())


def request_of(code: str, key: bytes = b"k") -> dict[str, Any]:
    """What the worker with the secret `key` * 32 sends; it unseals with a key that is the same."""
    made: dict[str, Any] = msgspec.to_builtins(enrolment_request(code, key * 32, signing_key(key)))
    return made


def ask(code: str, key: bytes = b"k", **more: Any) -> tuple[int, dict[str, Any]]:
    """Status and document of an attempt of the worker with the secret `key` * 32."""
    return send(request_of(code, key), **more)


def send(body: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    answer = Client(REMOTE_ADDR="127.0.0.1").post("/enrol", body, content_type="application/json", **more)
    return answer.status_code, answer.json()


def worker(answer: dict[str, Any]) -> redis.Redis:
    """A connection as the worker's; its user may not SELECT, and tests use other databases than 0."""
    parts = urlsplit(answer["redis_url"])
    return redis.Redis(
        host=parts.hostname or "", port=parts.port or 0, username=parts.username, password=parts.password,
        driver_info=None,
    )  # fmt: skip
