"""Assertion outcomes of a trial as facts of its result, and back again. Pure.

Results have no field for them: only a trial asks, and a region of an earlier release answers without them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from probes.prober import AssertionOutcome, printable
from probes.reasons import Reason, Status
from probes.wire import FACTS_MOST, Fact

_PREFIX = "assertion_"
#: Longest text of what was expected or found, so that a fact holds both with their escapes (characters).
_TEXT_LIMIT = 200


def with_assertions(facts: Mapping[str, Fact], outcomes: Iterable[AssertionOutcome]) -> dict[str, Fact]:
    """The facts, and one more for each outcome; they are kept before other facts where there is no room for all."""
    told: dict[str, Fact] = {f"{_PREFIX}{n:02}": _written(one) for n, one in enumerate(outcomes, start=1)}
    return {**dict(list(facts.items())[: FACTS_MOST - len(told)]), **told}


def assertions_of(facts: Mapping[str, Fact]) -> tuple[dict[str, Fact], list[AssertionOutcome]]:
    """The facts without outcomes, and the outcomes in order. What a region wrote in another form is left out."""
    told = {name: fact for name, fact in facts.items() if name.startswith(_PREFIX)}
    read = [_read(told[name]) for name in sorted(told)]
    return {name: fact for name, fact in facts.items() if name not in told}, [one for one in read if one is not None]


def _written(one: AssertionOutcome) -> str:
    texts = (printable(text[:_TEXT_LIMIT]) for text in (one.expected, one.found))
    return json.dumps([one.passed, *texts, one.status.value, one.reason.value], ensure_ascii=False)


def _read(fact: Fact) -> AssertionOutcome | None:
    try:
        passed, expected, found, status, reason = json.loads(str(fact))
        return AssertionOutcome(passed is True, str(expected), str(found), Status(status), Reason(reason))
    except (ValueError, TypeError, RecursionError):
        return None
