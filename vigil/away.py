"""Server outages in words: errors that a process waits out, and that no entry caused."""

from __future__ import annotations

import psycopg
import redis
from django.db import Error as DatabaseError

from probes.process import key_repair

#: By SQLSTATE, whole or its class. Whatever else PostgreSQL says is about what was asked of it.
_POSTGRESQL = {
    "53100": "PostgreSQL has no room on its disk",
    "53200": "PostgreSQL is out of memory",
    "53300": "PostgreSQL has no connection left",
    "53": "PostgreSQL lacks resources",
    "57014": "PostgreSQL cancelled a statement that took too long",
    "57P01": "PostgreSQL is shutting down",
    "57P02": "PostgreSQL has crashed and recovers",
    "57P03": "PostgreSQL takes no connections yet",
    "57": "PostgreSQL was interrupted by its operator",
    "58": "PostgreSQL cannot read or write its files",
    "XX001": "PostgreSQL has found damaged data",
    "XX002": "PostgreSQL has found a damaged index",
    "25006": "PostgreSQL is read-only",
    "25P03": "PostgreSQL ended a transaction that was idle too long",
    "25P04": "PostgreSQL ended a transaction that took too long",
    "40": "PostgreSQL undid a transaction that another one crossed",
    "55P03": "PostgreSQL did not get a lock in time",
    "55006": "PostgreSQL says that it is in use",
    "08": "the connection to PostgreSQL broke",
    "28": "PostgreSQL refuses our user or password",
    "3D": "PostgreSQL has no such database",
    "42501": "PostgreSQL does not allow this to our user",
    "42P01": "the tables are of another version: run `migrate`",
    "42703": "the columns are of another version: run `migrate`",
}
#: A connection that is refused has no SQLSTATE, only the server's text.
_CONNECTING = {
    "too many clients": _POSTGRESQL["53300"],
    "connection slots": _POSTGRESQL["53300"],
    "too many connections": _POSTGRESQL["53300"],
    "starting up": _POSTGRESQL["57P03"],
    "shutting down": _POSTGRESQL["57P01"],
    "recovery mode": _POSTGRESQL["57P02"],
    "authentication failed": _POSTGRESQL["28"],
}


def refusal(error: BaseException) -> str:
    """In words, which server is away or refuses work, and why; empty when the error is about something else."""
    if isinstance(error, redis.RedisError):
        return key_repair.refusal(error)
    if isinstance(error, DatabaseError):
        # Django's error wraps the driver's.
        error = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    return _of_postgresql(error) if isinstance(error, psycopg.Error | DatabaseError) else ""


def is_postgresql(error: BaseException) -> bool:
    """Whether an error came from PostgreSQL or the way to it, so that the connection is better made anew."""
    return isinstance(error, psycopg.Error | DatabaseError)


def _of_postgresql(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    if state:
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2], "")
    if type(error).__name__ not in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return ""
    text = str(error)
    return next((words for part, words in _CONNECTING.items() if part in text), "PostgreSQL cannot be reached")
