"""Saturation prober: reads a model server's metrics and keeps state, to tell a full engine from a dead one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial

from probes.ai import classify
from probes.ai.engines import ENGINES
from probes.ai.saturation import report
from probes.ai.saturation.judge import EngineJudgement, Thresholds, judge
from probes.ai.saturation.page import sifted
from probes.ai.saturation.recollection import Recollection
from probes.ai.saturation.sample import NoSample, Sample, read
from probes.net.http1 import exchange
from probes.net.http_messages import BODY_LIMIT_MOST, Request, Response, Sift
from probes.net.stream import UnverifiedCertificate
from probes.net.targets import parse_url
from probes.net.tls.options import HTTP_ALPN
from probes.prober import AssertionOutcome, Observation, ProbeContext, Prober, SpecError, printable
from probes.probers.http import certificate_facts
from probes.reasons import Reason, Status
from probes.specs.family import EACH
from probes.specs.http import HttpSpec, secret_headers
from probes.specs.http import validate as validate_http
from probes.specs.http import validate_secrets as validate_http_secrets
from probes.specs.tls import TlsFields, tls_options_of
from probes.wire import Fact

#: The largest page that is read (bytes); of one beyond the usual limit only lines that count are kept.
PAGE_MOST = 16_777_216
#: A page beyond this (bytes) is read in a thread, so that other checks go on meanwhile; 1 to 2 ms of work.
_THREAD_FROM = 262_144
_OK = 200


class SaturationSpec(TlsFields, frozen=True, kw_only=True):
    """Read the metrics of `engine` at `url`.

    It is busy with `waiting_most` requests in the queue or `cache_most` (0 to 1) of its cache in use, in
    `busy_samples` checks in a row, with `running_most` requests at once, a request that waits for `queue_age_most_s`,
    or `preemptions_most` requests a minute that lose their place (0 for no limit). It is stalled when it has requests
    and made no token for `stalled_s`, and runs in part when one of its engines is, or is gone, or with fewer than
    `engines_least`.
    """

    url: str
    engine: str
    waiting_most: float = 10.0
    cache_most: float = 0.95
    busy_samples: int = 3
    stalled_s: float = 120.0
    running_most: float = 0.0
    queue_age_most_s: float = 0.0
    preemptions_most: float = 0.0
    engines_least: int = 0


_recollection = Recollection()


def validate(spec: SaturationSpec) -> None:
    if spec.family == EACH:
        raise SpecError("family", "is `either`, `4` or `6`: one engine has one set of metrics")
    if spec.engine not in ENGINES:
        raise SpecError("engine", f"{spec.engine[:40]!r} is not one of {', '.join(sorted(ENGINES))}")
    validate_http(_as_http(spec))
    if not 0 < spec.waiting_most <= 1e6:
        raise SpecError("waiting_most", "is a number of requests above 0")
    if not 0 <= spec.running_most <= 1e6:
        raise SpecError("running_most", "is a number of requests, or 0 for no limit")
    if not 0 < spec.cache_most <= 1:
        raise SpecError("cache_most", "is a share above 0 and up to 1, like 0.95")
    if not 1 <= spec.busy_samples <= 100:
        raise SpecError("busy_samples", "is between 1 and 100")
    if not 1 <= spec.stalled_s <= 86_400:
        raise SpecError("stalled_s", "is between 1 and 86400 seconds")
    if not 0 <= spec.queue_age_most_s <= 86_400:
        raise SpecError("queue_age_most_s", "is a number of seconds up to 86400, or 0 for no limit")
    if not 0 <= spec.preemptions_most <= 1e6:
        raise SpecError("preemptions_most", "is a number of requests a minute, or 0 for no limit")
    if not 0 <= spec.engines_least <= 256:
        raise SpecError("engines_least", "is a number of engines up to 256, or 0 for no such demand")


async def probe(spec: SaturationSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Read the metrics once and judge them with the state of the earlier scheduled checks."""
    facts: dict[str, Fact] = {}
    try:
        answer = await _page(spec, secrets, context)
    except UnverifiedCertificate as error:
        facts["address"] = context.trace.address
        if error.certificate is not None:
            facts |= certificate_facts(error.certificate, context.now_s)
        return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)
    facts["address"] = context.trace.address
    if answer.code != _OK:
        return _refused(spec, answer, facts, context)
    problem: tuple[Status, Reason, str] | None = None
    try:
        sample = await _read(spec, answer, context)
    except NoSample as error:
        # Nothing is known of the engine: the address or the engine's name is wrong.
        problem = Status.DOWN, Reason.CONFIG, str(error)
    if answer.truncated:
        detail = "the page of metrics is too large to be read to its end"
        problem = Status.DEGRADED, Reason.TOO_LARGE, f"{detail}: {problem[2]}" if problem else detail
    if problem is not None:
        status, reason, detail = problem
        return Observation(status, reason, context.trace.phases(), answer.code, printable(detail), facts)
    thresholds = _thresholds(spec)
    judged = _judged(spec, sample, _age_of(answer), context)
    facts |= report.facts(sample, judged)
    outcomes = _outcomes(sample, thresholds) if context.explain else ()
    status, reason, detail = judged.status, judged.reason, printable(judged.detail)
    if judged.undecided and context.monitor and not context.round:
        # A worker that began anew would otherwise say that what it has not looked at for long enough is over, and call
        # a round. In a round it votes: another has seen enough to call it, and too few votes would be an alarm.
        status, reason, detail = Status.UNKNOWN, Reason.SKIPPED, printable(judged.undecided)
    return Observation(status, reason, context.trace.phases(), answer.code, detail, facts, outcomes)


async def _read(spec: SaturationSpec, answer: Response, context: ProbeContext) -> Sample:
    """The sample on the page; raises NoSample."""
    engine, at_s = ENGINES[spec.engine], _time_of(answer, context.now_s)
    if len(answer.body) < _THREAD_FROM:
        return read(engine, answer.body, at_s)
    return await asyncio.to_thread(read, engine, answer.body, at_s)


async def _page(spec: SaturationSpec, secrets: Mapping[str, str], context: ProbeContext) -> Response:
    """The page of metrics; of one beyond the usual limit, its lines that count."""
    tls = tls_options_of(spec, secrets, HTTP_ALPN)
    request = Request(
        parse_url(spec.url),
        headers=secret_headers(secrets),
        tls=tls,
        server_name=spec.server_name,
        body_limit=BODY_LIMIT_MOST,
        sift=Sift(partial(sifted, ENGINES[spec.engine]), PAGE_MOST),
    )
    return await exchange(request, context.dialer, context.trace)


def _time_of(answer: Response, now_s: float) -> float:
    """The server's own time (s), by which it tells instants; ours where it does not say."""
    try:
        told = parsedate_to_datetime(answer.header("date") or "")
        at_s = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return now_s
    return at_s


def _age_of(answer: Response) -> float:
    """How long ago a cache on the way took the page (s): a copy that comes again is no engine that stands still."""
    told = (answer.header("age") or "").strip()
    return float(told) if told.isdecimal() and told.isascii() and len(told) < 6 else 0.0


def _thresholds(spec: SaturationSpec) -> Thresholds:
    return Thresholds(
        spec.waiting_most,
        spec.cache_most,
        spec.busy_samples,
        spec.stalled_s,
        spec.running_most,
        spec.queue_age_most_s,
        spec.preemptions_most,
        spec.engines_least,
    )


def _outcomes(sample: Sample, thresholds: Thresholds) -> tuple[AssertionOutcome, ...]:
    """Outcomes by this sample alone; the verdict of a monitor needs several in a row."""
    return tuple(
        AssertionOutcome(True, expected, found)
        if kept
        else AssertionOutcome(False, expected, found, Status.DEGRADED, Reason.BUSY)
        for kept, expected, found in report.demands(sample, thresholds)
    )


def _judged(spec: SaturationSpec, sample: Sample, age_s: float, context: ProbeContext) -> EngineJudgement:
    previous = _recollection.of(context.monitor, spec.url, context.now_s) if context.monitor else None
    judged = judge(previous, sample, context.now_s - age_s, _thresholds(spec), ENGINES[spec.engine].fixed)
    # Confirming checks come within seconds: only the regular scheduled checks are counted.
    if context.monitor and not context.round:
        _recollection.keep(context.monitor, spec.url, judged.memory)
    return judged


def _refused(spec: SaturationSpec, answer: Response, facts: dict[str, Fact], context: ProbeContext) -> Observation:
    read = classify.classify(
        classify.ReceivedAnswer(spec.engine, answer.code, answer.headers, answer.body, False), context.now_s
    )
    facts |= read.facts
    return Observation(read.status, read.reason, context.trace.phases(), answer.code, printable(read.detail), facts)


def _as_http(spec: SaturationSpec) -> HttpSpec:
    return HttpSpec(
        url=spec.url,
        provider=spec.engine,
        verify_tls=spec.verify_tls,
        ca_pem=spec.ca_pem,
        server_name=spec.server_name,
        min_tls=spec.min_tls,
    )


PROBER = Prober(SaturationSpec, validate, validate_http_secrets, probe)
