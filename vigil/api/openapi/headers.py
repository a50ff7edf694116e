"""Headers of requests and answers in the OpenAPI document: each described once, with its bounds."""

from __future__ import annotations

from typing import Any

from vigil.accounts.idempotency import MAX_KEY
from vigil.api.base.etags import MAX_HEADER
from vigil.api.base.rate_limits import LIMIT, WINDOW_S

Json = dict[str, Any]

_TAGS: Json = {"type": "string", "minLength": 1, "maxLength": MAX_HEADER}
_KEY: Json = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"}
_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": LIMIT}

#: Of requests.
ASKED: dict[str, tuple[Json, str]] = {
    "If-Match": (_TAGS, "The `ETag` that was read; 412 where the object has changed since."),
    "If-None-Match": (_TAGS, "The `ETag` that was read; 304 where nothing has changed since."),
    "Idempotency-Key": (
        _KEY,
        "A key of your own: within a day it gets the first answer again, and nothing is made twice.",
    ),
}
#: Of answers.
TOLD: dict[str, Json] = {
    "ETag": {"schema": {"type": "string"}, "description": "Of the object or the page, for If-Match and If-None-Match."},
    "Location": {"schema": {"type": "string"}, "description": "The path of what was created."},
    "Idempotent-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "There where the answer is the first one of this Idempotency-Key.",
    },
    "Link": {
        "schema": {"type": "string"},
        "description": 'The next page, as `<address>; rel="next"`; absent on the last.',
    },
    "Warning": {
        "schema": {"type": "string"},
        "description": "There where a document keeps the object: what was changed is drift, until its next plan.",
    },
    "Content-Disposition": {"schema": {"type": "string"}, "description": "The name of the file."},
    "Retry-After": {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait."},
    "WWW-Authenticate": {"schema": {"type": "string"}, "description": "Always `Bearer`."},
    "X-Request-ID": {
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "description": "Name of this request in Vigil's log: that of the request, else a new one.",
    },
    "RateLimit-Limit": {"schema": _COUNT, "description": f"Requests of one caller in {WINDOW_S} s."},
    "RateLimit-Remaining": {"schema": _COUNT, "description": "How many are left now."},
    "RateLimit-Reset": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "Seconds until there are all of them again.",
    },
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "Limit and window, in the words of the draft."},
}
#: On each answer to a caller that is known.
OF_CALLERS = ("X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
#: On each answer to one that is not.
OF_ANYONE = ("X-Request-ID",)


def asked_header(name: str) -> Json:
    """A header of a request as a parameter."""
    schema, words = ASKED[name]
    return {"in": "header", "name": name, "schema": schema, "description": words}


def told_headers(*names: str) -> Json:
    """Headers of an answer, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
