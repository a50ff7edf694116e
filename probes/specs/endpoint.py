"""Validation and judgement that specs with a host and a port share."""

from __future__ import annotations

from collections.abc import Sequence

from probes.assertions.answer import AnswerView
from probes.assertions.base import AssertionBase
from probes.assertions.kinds import judge, validate_assertions, worst
from probes.net.targets import BadTarget, parse_host
from probes.prober import AssertionOutcome, SpecError
from probes.reasons import Reason, Status

#: A finding: status, reason and a text for people.
Finding = tuple[Status, Reason, str]
PASSED: Finding = (Status.UP, Reason.OK, "")


def validate_endpoint(host: str, port: int, assertions: Sequence[AssertionBase]) -> None:
    """Refuse an endpoint that cannot be dialled, and invalid assertions; raises SpecError."""
    validate_host("host", host)
    if not 1 <= port <= 65_535:
        raise SpecError("port", "is between 1 and 65535")
    validate_assertions(assertions)


def validate_host(field: str, host: str) -> None:
    try:
        parse_host(host)
    except BadTarget as error:
        raise SpecError(field, str(error)) from None


def judged(
    found: Finding, assertions: Sequence[AssertionBase], view: AnswerView, explain: bool
) -> tuple[Finding, tuple[AssertionOutcome, ...]]:
    """The finding, replaced by that of a failed assertion when it passed; and the outcomes, with `explain`."""
    if not assertions or (found[0] is not Status.UP and not explain):
        return found, ()
    outcomes = judge(assertions, view)
    failed = worst(outcomes)
    if failed is not None and found[0] is Status.UP:
        found = failed.status, failed.reason, failed.detail
    return found, outcomes if explain else ()
