"""Entity tags of objects: whether one is still what was read, and which of its fields are not.

A tag is `"WHOLE.PARTS"`. WHOLE is of the whole representation: a GET with it in `If-None-Match` is 304. PARTS has eight
characters for each field that a request can set, and for the revision: a write with it in `If-Match` is refused where
one of them differs, by name. A status that has changed by itself is no reason to refuse a write.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from vigil.problems.codes import ProblemCode

_WHOLE_BYTES, _PART_BYTES, _PART_LENGTH = 12, 6, 8
#: Says that something changed which is never shown, such as a secret.
_VERSIONS = ("revision", "updated_at")
MAX_HEADER = 4_000


class PreconditionFailed(APIException):
    """The object is not what the request was made for; `changed` has its fields as they are now."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = ProblemCode.PRECONDITION_FAILED.value

    def __init__(self, changed: Mapping[str, Any]) -> None:
        what = f"Changed since you read it: {', '.join(changed)}." if changed else "It has changed since you read it."
        super().__init__(what)
        self.more = {"changed": dict(changed)}


def versioned_fields(settable: Collection[str], shown: Mapping[str, Any]) -> list[str]:
    """Fields that `If-Match` is about, in order: the settable ones that are shown, and what counts the changes."""
    version = next((name for name in _VERSIONS if name in shown), None)
    return [*(name for name in shown if name in settable), *([version] if version else [])]


def entity_tag(shown: Mapping[str, Any], settable: Collection[str]) -> str:
    """The strong tag of a representation, with its quotes."""
    return f'"{_digest(shown, _WHOLE_BYTES)}.{_parts(shown, versioned_fields(settable, shown))}"'


def has_precondition(request: Any) -> bool:
    """Whether a write is for one state of its row, which is then locked for it."""
    return request.method not in SAFE_METHODS and "If-Match" in request.headers


def is_read_already(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names this tag."""
    named = _tags(header)
    return "*" in named or tag in named


def tagged(request: Any, response: Any, settable: Collection[str]) -> Any:
    """The response with its tag; 304 without a body where a GET has named the tag in `If-None-Match`."""
    tag = entity_tag(response.data, settable)
    read = request.headers.get("If-None-Match")
    if read is not None and request.method in ("GET", "HEAD") and is_read_already(read, tag):
        response = Response(status=status.HTTP_304_NOT_MODIFIED)
    response["ETag"] = tag
    return response


def check_match(header: str, shown: Mapping[str, Any], settable: Collection[str]) -> None:
    """Raises `PreconditionFailed` where `If-Match` names no tag whose parts are still the same."""
    named = _tags(header)
    if "*" in named:
        return
    fields = versioned_fields(settable, shown)
    if not fields:
        # Nothing of it can be set: it is the same where all of it is.
        if entity_tag(shown, settable) in named:
            return
        raise PreconditionFailed({})
    now = _parts(shown, fields)
    read = [tag.strip('"').partition(".")[2] for tag in named]
    if now in read:
        return
    then = read[0] if read and len(read[0]) == len(now) else ""
    places = {name: slice(place * _PART_LENGTH, (place + 1) * _PART_LENGTH) for place, name in enumerate(fields)}
    raise PreconditionFailed({name: shown[name] for name, part in places.items() if then[part] != now[part]})


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header[:MAX_HEADER].split(",")]


def _parts(shown: Mapping[str, Any], fields: Sequence[str]) -> str:
    return "".join(_digest([name, shown[name]], _PART_BYTES) for name in fields)


def _digest(value: Any, length: int) -> str:
    plain = msgspec.json.encode(value, enc_hook=str, order="deterministic")
    return base64.urlsafe_b64encode(hashlib.blake2b(plain, digest_size=length).digest()).decode()
