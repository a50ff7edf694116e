"""Outcome of a run in the words of those who report it: codes, signals, and fields of forms and JSON. Pure.

Whatever is not 0 is a failure, and an empty word is one too: it is a variable that was never set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from probes.text import storable
from vigil.heartbeats.core.pings.wire import PingKind

MAX_WORD = 64
#: What is kept of a word that is empty.
EMPTY = "an empty value"
_ZERO = re.compile(r"[+-]?(?:0+(?:\.0*)?|0[xX]0+)", re.ASCII)
_CODE = re.compile(r"[0-9]{1,3}", re.ASCII)
_KINDS = {kind.value: kind for kind in (PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.LOG)}
#: Fields whose value is a code, a state, or an error.
_CODES = frozenset(
    {"exit", "exit_code", "exitcode", "exit_status", "exitstatus", "exit-code", "rc", "returncode", "return_code"}
)
_STATES = frozenset({"status", "state", "result", "outcome", "conclusion", "service_result", "job_status"})
_ERRORS = frozenset({"fail", "failed", "failure", "error", "exception", "traceback"})
_WELL = frozenset({"success", "ok", "successful", "succeeded"})
#: Of shells and schedulers, of systemd's SERVICE_RESULT, and of Kubernetes and CI; `-`, `_` and blanks are one.
_FAILED = frozenset(
    {"fail", "failed", "failure", "failing", "error", "errored", "down", "critical", "fatal", "crash", "crashed",
     "abort", "aborted", "kill", "killed", "timeout", "timed out", "unhealthy", "oom", "unsuccessful",
     "not ok", "nok", "bad", "broken", "dead", "lost", "panic", "exception", "terminated", "interrupted",
     "cancelled", "canceled", "rejected", "exit code", "signal", "core dump", "watchdog", "oom kill", "resources",
     "protocol", "start limit hit", "oomkilled", "evicted", "deadline exceeded", "deadlineexceeded",
     "backofflimitexceeded", "upstream failed", "startup failure", "action required"}
)  # fmt: skip
_NO = frozenset({"", "0", "false", "no", "none", "null", "off"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said: the kind, and the exit code if it is one that shells have; else the word itself."""

    kind: PingKind
    exit_code: int | None = None
    word: str = ""


#: Outcome of a call that says nothing.
WELL = Outcome(PingKind.SUCCESS)


@lru_cache(maxsize=1024)
def outcome_of(said: str) -> Outcome:
    """Outcome by the last part of an address: a kind, a code in any form, or the name of a signal."""
    word = storable(" ".join(said.split()), MAX_WORD)
    kind = _KINDS.get(word.lower())
    if kind is not None:
        return Outcome(kind)
    if _ZERO.fullmatch(word):
        return Outcome(PingKind.SUCCESS, 0)
    if _CODE.fullmatch(word) and int(word) <= 255:
        return Outcome(PingKind.FAIL, int(word))
    return Outcome(PingKind.FAIL, None, word or EMPTY)


def failure_in(fields: Iterable[tuple[str, object]]) -> Outcome | None:
    """The first failure that fields report, such as `exit=1` or `"success": false`; None if none does."""
    for name, value in fields:
        found = _failure(name.lower(), value)
        if found is not None:
            return found
    return None


def fields_of(told: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """Top-level fields of a JSON object that may report a failure."""
    return (
        (name, value) for name, value in told.items() if isinstance(name, str) and not isinstance(value, dict | list)
    )


def _failure(name: str, value: object) -> Outcome | None:
    if name in _WELL:
        # Shells and PHP write false as nothing, or as 0.
        not_well = value is not None and _plain(value) in ("false", "no", "0", "")
        return Outcome(PingKind.FAIL, None, f"{name}: false") if not_well else None
    if name in _CODES:
        if value is None or isinstance(value, bool):
            return None
        # A whole number may come as 1.0.
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        found = outcome_of(str(number))
        return found if found.kind is PingKind.FAIL else None
    if name in _STATES and _state(value) in _FAILED:
        return Outcome(PingKind.FAIL, None, storable(str(value), MAX_WORD))
    if name in _ERRORS and _plain(value) not in _NO:
        return Outcome(PingKind.FAIL)
    return None


def _state(value: object) -> str:
    return " ".join(_plain(value).replace("_", " ").replace("-", " ").split())


def _plain(value: object) -> str:
    return ("" if value is None else str(value)).strip().lower()
