"""Messages of PostgreSQL's protocol 3.0, and what its refusals mean. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

from probes.reasons import Reason, Status

_PROTOCOL_3_0 = 196_608
SSL_REQUEST = struct.pack("!ii", 8, 80_877_103)
TERMINATE = b"X\x00\x00\x00\x04"
#: The cheapest question that reaches the server behind a pooler.
EMPTY_QUERY = b"Q\x00\x00\x00\x05\x00"

#: Kinds of requests for a proof, by the number in an authentication message.
ADMITTED, CLEAR_TEXT, MD5, SASL, SASL_CONTINUE, SASL_FINAL = 0, 3, 5, 10, 11, 12

Meaning = tuple[Status, Reason, str]
_WELL: Meaning = (Status.UP, Reason.OK, "")
#: SQLSTATE -> what it means; in our words, since the server's are in its own language.
_STATES: Mapping[str, Meaning] = {
    "57P03": (Status.DEGRADED, Reason.LOADING, "it is starting up or recovering"),
    "53300": (Status.DEGRADED, Reason.OVERLOADED, "it has as many connections as it takes"),
    "57P01": (Status.DOWN, Reason.REFUSED, "it is shutting down"),
    "57P02": (Status.DOWN, Reason.REFUSED, "it has crashed and restarts"),
    "3D000": (Status.DOWN, Reason.CONFIG, "there is no such database"),
    "42501": (Status.DOWN, Reason.AUTH, "the user may not connect to this database"),
}
#: PgBouncer gives most of its refusals one SQLSTATE; its words, which are always English, tell them apart.
_POOLER: tuple[tuple[str, Meaning], ...] = (
    ("no more connections allowed", (Status.DEGRADED, Reason.OVERLOADED, "it has as many connections as it takes")),
    ("no such database", (Status.DOWN, Reason.CONFIG, "there is no such database")),
    ("no such user", (Status.DOWN, Reason.AUTH, "it refuses the login")),
    ("authentication failed", (Status.DOWN, Reason.AUTH, "it refuses the login")),
    ("server login has been failing", (Status.DOWN, Reason.REFUSED, "the pooler does not reach its database")),
    ("cannot connect to server", (Status.DOWN, Reason.REFUSED, "the pooler does not reach its database")),
    ("server conn crashed", (Status.DOWN, Reason.REFUSED, "the pooler does not reach its database")),
    ("server_login_retry", (Status.DOWN, Reason.REFUSED, "the pooler does not reach its database")),
    ("query_wait_timeout", (Status.DOWN, Reason.OVERLOADED, "the pooler got no connection of its server in time")),
    ("shutting down", (Status.DOWN, Reason.REFUSED, "it is shutting down")),
)
#: Class of SQLSTATEs of a healthy server that refuses us: no password was given, or it requires TLS.
_NOT_ADMITTED = "28"


def startup(user: str, database: str) -> bytes:
    parameters = ("user", user, "database", database, "application_name", "vigil")
    body = struct.pack("!i", _PROTOCOL_3_0) + b"".join(text.encode() + b"\x00" for text in parameters) + b"\x00"
    return struct.pack("!i", len(body) + 4) + body


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def password(answer: bytes) -> bytes:
    """The message that answers a request for a password."""
    return message(b"p", answer + b"\x00")


def sasl_initial(mechanism: str, first: bytes) -> bytes:
    return message(b"p", mechanism.encode() + b"\x00" + struct.pack("!i", len(first)) + first)


def md5_answer(user: str, secret: str, salt: bytes) -> bytes:
    inner = hashlib.md5(secret.encode() + user.encode(), usedforsecurity=False).hexdigest()
    return b"md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest().encode()


def mechanisms(body: bytes) -> list[str]:
    """The mechanisms in a request for SASL, after its number."""
    return [name.decode("ascii", "replace") for name in body.split(b"\x00") if name]


def refused(body: bytes, with_login: bool) -> Meaning:
    """What an error message means: for one who gave a password, or who only knocks."""
    fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in body.split(b"\x00") if field}
    state, words = fields.get(b"C", ""), fields.get(b"M", "").lower()
    shown = f"SQLSTATE {state}" if len(state) == 5 and state.isalnum() else "SQLSTATE ?"
    if state.startswith(_NOT_ADMITTED):
        return (Status.DOWN, Reason.AUTH, f"{shown}: it refuses the login") if with_login else _WELL
    if state in _STATES:
        status, reason, meaning = _STATES[state]
        return status, reason, f"{shown}: {meaning}"
    for beginning, (status, reason, meaning) in _POOLER:
        if beginning in words:
            return (status, reason, f"{shown}: {meaning}") if with_login or reason is not Reason.AUTH else _WELL
    return Status.DOWN, Reason.VALUE_MISMATCH, f"{shown}: it refuses the connection"
