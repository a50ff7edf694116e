"""Attempts at a target: one probe within a deadline, and two attempts merged into one observation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import structlog

from probes.assertions.redaction import spellings, veiled
from probes.checks.assertion_facts import with_assertions
from probes.checks.families import VERSIONS, labelled, merged_families
from probes.checks.retry_after import refuses_more
from probes.net.deadlines import within
from probes.net.failures import explain
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, Prober, printable
from probes.reasons import Reason, Status
from probes.specs.family import EACH, EITHER
from probes.wire import WIRE_VERSION, Check, Result

_log = structlog.get_logger(__name__)

#: The second attempt of a check that votes starts this long after the first one started.
SECOND_ATTEMPT_AFTER_S = 1.0
#: A second attempt would see the same. A network that interferes does so twice, and a service that fails at times may
#: look like one once: that it fails must not be hidden.
_FINAL = frozenset({Reason.BLOCKED, Reason.GEO_BLOCKED})
_WORSE = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2, Status.UNKNOWN: 3}
_PHASE_WORDS = {
    "": "before it began",
    "dns": "while resolving the name",
    "connect": "while connecting",
    "tls": "in the TLS handshake",
    "first_byte": "waiting for the first byte",
    "body": "while reading the answer",
}


def settles(observation: Observation) -> bool:
    """Whether a first attempt makes a second one pointless: it passed, or no other must be made."""
    return observation.status is Status.UP or observation.reason in _FINAL or refuses_more(observation)


def merged(first: Observation, second: Observation) -> Observation:
    """The better of two attempts, and of equals the later one."""
    return first if _WORSE[first.status] < _WORSE[second.status] else second


async def attempt(
    prober: Prober, spec: Any, secrets: Mapping[str, str], context: ProbeContext, timeout_s: float
) -> Observation:
    """Probe once within one overall deadline, over the spec's IP family; every failure becomes an observation."""
    family = getattr(spec, "family", EITHER)
    if family == EITHER:
        return await _attempt(prober, spec, secrets, context, timeout_s)
    if family != EACH:
        version = int(family)
        return labelled(await _attempt(prober, spec, secrets, _over(context, version), timeout_s), version)
    runs = [_attempt(prober, spec, secrets, _over(context, version, Trace()), timeout_s) for version in VERSIONS]
    return merged_families(*await asyncio.gather(*runs))


def _over(context: ProbeContext, version: int, trace: Trace | None = None) -> ProbeContext:
    """The context of a check that dials only addresses of one family; of two at once each marks its own trace."""
    return replace(context, dialer=replace(context.dialer, family=version), trace=trace or context.trace)


async def _attempt(
    prober: Prober, spec: Any, secrets: Mapping[str, str], context: ProbeContext, timeout_s: float
) -> Observation:
    try:
        with within(timeout_s):
            seen = await prober.probe(spec, secrets, context)
    except Exception as error:  # noqa: BLE001 - the edge: one check's bug stops no other, and its result says so
        seen = _observed(error, context.trace, timeout_s)
    return veiled(seen, spellings(secrets)) if secrets else seen


def _observed(error: Exception, trace: Trace, timeout_s: float) -> Observation:
    explained = explain(error)
    if explained is None:
        _log.exception("check.unexpected_error", error=type(error).__name__)
        explained = Status.UNKNOWN, Reason.PROBE_ERROR, f"the prober failed with {type(error).__name__}"
    status, reason, detail = explained
    heard = trace.at_deadline() if reason is Reason.TIMEOUT and trace.at_deadline is not None else None
    if heard is not None:
        status, reason, detail = heard
    elif reason is Reason.TIMEOUT:
        detail = f"no answer within {timeout_s:g} s, {_PHASE_WORDS[trace.phase]}"
    facts = {"address": trace.address} if trace.address else {}
    return Observation(status, reason, trace.phases(), detail=printable(detail), facts=dict(facts))


async def two_attempts(again: Callable[[], Coroutine[Any, Any, Observation]]) -> tuple[Observation, int]:
    """Two attempts, the second 1 s after the first began; a pass ends it. Returns the merged one, and how many ran."""

    def start() -> asyncio.Task[Observation]:
        return asyncio.ensure_future(again())

    first = start()
    second: asyncio.Task[Observation] | None = None
    try:
        started = asyncio.get_running_loop().time()
        await asyncio.wait((first,), timeout=SECOND_ATTEMPT_AFTER_S)
        if first.done():
            if settles(first.result()):
                return first.result(), 1
            await asyncio.sleep(started + SECOND_ATTEMPT_AFTER_S - asyncio.get_running_loop().time())
        second = start()
        done, _ = await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)
        if not any(settles(task.result()) for task in done):
            await asyncio.wait((first, second))
        finished = [task.result() for task in (first, second) if task.done()]
        return (merged(*finished) if len(finished) == 2 else finished[0]), 2
    finally:
        first.cancel()
        if second is not None:
            second.cancel()


def failed(status: Status, reason: Reason, detail: str) -> Observation:
    """An observation without an attempt, for a check that could not be run."""
    return replace(Observation(status, reason), detail=printable(detail))


def result_of(check: Check, seen: Observation, started_ms: int, attempts: int) -> Result:
    """The result of a check: what was seen of it, since when, and in how many attempts."""
    facts = with_assertions(seen.facts, seen.outcomes) if seen.outcomes else seen.facts
    return Result(
        WIRE_VERSION, check.monitor, check.at_ms, seen.status, seen.reason, started_ms, seen.phases,
        check.round, check.look, attempts, seen.code, seen.detail, facts, check.revision,
    )  # fmt: skip
