"""Error codes of the API: closed enums of problems and of field problems, with what each means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ProblemCode(StrEnum):
    """Machine-readable code of a problem. Members are only added: scripts compare them."""

    INVALID_INPUT = "invalid_input"
    MALFORMED_REQUEST = "malformed_request"
    INVALID_CURSOR = "invalid_cursor"
    UNKNOWN_HOST = "unknown_host"
    NOT_AUTHENTICATED = "not_authenticated"
    INVALID_TOKEN = "invalid_token"
    PERMISSION_DENIED = "permission_denied"
    CSRF_FAILED = "csrf_failed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    REQUEST_TIMEOUT = "request_timeout"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    IN_USE = "in_use"
    ALREADY_RESOLVED = "already_resolved"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    PRECONDITION_FAILED = "precondition_failed"
    BODY_TOO_LARGE = "body_too_large"
    URI_TOO_LONG = "uri_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNPROCESSABLE = "unprocessable"
    PRECONDITION_REQUIRED = "precondition_required"
    RATE_LIMITED = "rate_limited"
    HEADERS_TOO_LARGE = "headers_too_large"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"

    @property
    def status(self) -> int:
        """HTTP status of its answers."""
        return _MEANINGS[self][0]

    @property
    def summary(self) -> str:
        """Summary that does not change from answer to answer."""
        return _MEANINGS[self][1]


_MEANINGS: Mapping[ProblemCode, tuple[int, str]] = MappingProxyType(
    {
        ProblemCode.INVALID_INPUT: (400, "A field or a parameter is not accepted"),
        ProblemCode.MALFORMED_REQUEST: (400, "The request cannot be read"),
        ProblemCode.INVALID_CURSOR: (400, "The cursor of the page is not valid"),
        ProblemCode.UNKNOWN_HOST: (400, "The Host header names no host of this installation"),
        ProblemCode.NOT_AUTHENTICATED: (401, "A token is needed"),
        ProblemCode.INVALID_TOKEN: (401, "The token is unknown, expired or revoked"),
        ProblemCode.PERMISSION_DENIED: (403, "The token may not do this"),
        ProblemCode.CSRF_FAILED: (403, "The CSRF token is missing or wrong"),
        ProblemCode.NOT_FOUND: (404, "There is no such resource"),
        ProblemCode.METHOD_NOT_ALLOWED: (405, "The resource does not have this method"),
        ProblemCode.NOT_ACCEPTABLE: (406, "None of the accepted media types is offered"),
        ProblemCode.REQUEST_TIMEOUT: (408, "The request did not arrive in time"),
        ProblemCode.DUPLICATE: (409, "This already exists"),
        ProblemCode.CONFLICT: (409, "Another request changed this meanwhile"),
        ProblemCode.IN_USE: (409, "Others use this"),
        ProblemCode.ALREADY_RESOLVED: (409, "The incident is resolved"),
        ProblemCode.IDEMPOTENCY_KEY_IN_USE: (409, "A request with this idempotency key is being answered"),
        ProblemCode.IDEMPOTENCY_KEY_REUSED: (422, "This idempotency key was used for another request"),
        ProblemCode.PRECONDITION_FAILED: (412, "A precondition of the request does not hold"),
        ProblemCode.BODY_TOO_LARGE: (413, "The body is too large"),
        ProblemCode.URI_TOO_LONG: (414, "The address is too long"),
        ProblemCode.UNSUPPORTED_MEDIA_TYPE: (415, "The media type of the body is not read here"),
        ProblemCode.UNPROCESSABLE: (422, "The request cannot be carried out"),
        ProblemCode.PRECONDITION_REQUIRED: (428, "The request needs a precondition"),
        ProblemCode.RATE_LIMITED: (429, "Too many requests"),
        ProblemCode.HEADERS_TOO_LARGE: (431, "The headers are too large"),
        ProblemCode.SERVER_ERROR: (500, "An error of Vigil"),
        ProblemCode.UNAVAILABLE: (503, "A server that Vigil needs is away"),
    }
)


def code_of_status(status: int) -> ProblemCode:
    """The most general code of an HTTP status from 400 to 599."""
    return _GENERAL.get(status, ProblemCode.SERVER_ERROR if status >= 500 else ProblemCode.MALFORMED_REQUEST)


_GENERAL = {code.status: code for code in reversed(ProblemCode)} | {
    400: ProblemCode.MALFORMED_REQUEST,
    409: ProblemCode.CONFLICT,
    422: ProblemCode.UNPROCESSABLE,
}


class FieldCode(StrEnum):
    """Machine-readable code of what is wrong with one field or parameter."""

    REQUIRED = "required"
    NULL = "null"
    BLANK = "blank"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    UNKNOWN_CHOICE = "unknown_choice"
    NO_SUCH_ROW = "no_such_row"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_PARAMETER = "unknown_parameter"
    READ_ONLY = "read_only"
    DUPLICATE = "duplicate"
    INVALID = "invalid"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return _HINTS[self]


_HINTS: Mapping[FieldCode, str] = MappingProxyType(
    {
        FieldCode.REQUIRED: "Give this field.",
        FieldCode.NULL: "Give a value, or leave the field out.",
        FieldCode.BLANK: "Give a text that is not empty.",
        FieldCode.WRONG_TYPE: "Give a value of the type that the schema states.",
        FieldCode.TOO_LONG: "Shorten it to the limit that the reason states.",
        FieldCode.TOO_SHORT: "Lengthen it to the limit that the reason states.",
        FieldCode.TOO_LARGE: "Give a smaller number.",
        FieldCode.TOO_SMALL: "Give a larger number.",
        FieldCode.UNKNOWN_CHOICE: "Give one of the values that the schema lists.",
        FieldCode.NO_SUCH_ROW: "Give the id of a row of your team that exists.",
        FieldCode.UNKNOWN_FIELD: "Correct the name of the field, or leave it out.",
        FieldCode.UNKNOWN_PARAMETER: "Correct the name of the parameter, or leave it out.",
        FieldCode.READ_ONLY: "Leave the field out, or send the value that was read.",
        FieldCode.DUPLICATE: "Choose another value, or change the row that has it.",
        FieldCode.INVALID: "Change the value as the reason says.",
    }
)
