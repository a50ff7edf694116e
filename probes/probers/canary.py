"""Canary prober: one short prompt, and the judgement of its streamed answer. Every answer costs money.

A canary tells of the quality of answers, so it is never DOWN: whatever fails is DEGRADED, and the control plane judges
the last answers together.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

import msgspec

from probes.ai import classify
from probes.ai.rate_limits import headroom
from probes.ai.streams import FORMS
from probes.ai.streams.facts import ANSWER_FAULT, NOT_SENT, stream_facts
from probes.ai.streams.framing import Framing, StreamTooLarge
from probes.ai.streams.judgement import AnswerFault, Judged, first_failure, judge
from probes.ai.streams.reader import StreamReader
from probes.ai.streams.refused_fields import refused_field
from probes.ai.streams.timing import timing_of
from probes.net.deadlines import within
from probes.net.failures import TooLarge, explain
from probes.net.http_messages import BODY_LIMIT_MOST, Request, Response
from probes.net.http_stream import StreamedExchange
from probes.net.targets import parse_url
from probes.net.tls.options import HTTP_ALPN
from probes.prober import RETRY_AFTER, AssertionOutcome, Observation, ProbeContext, Prober, printable
from probes.reasons import Reason, Status
from probes.specs.canary import CanarySpec, expectation_of, prompt_of, validate
from probes.specs.http import secret_headers
from probes.specs.http import validate_secrets as validate_http_secrets
from probes.specs.tls import tls_options_of
from probes.wire import Fact

_OK = 200
#: Codes with which a service refuses a field of the request.
_UNFIT = frozenset({400, 422})
#: So long before the deadline of the check the stream is given up, so that what came is still judged (s).
_MARGIN_S, _LEAST_S = 0.25, 0.05
#: The prober's own deadline where the caller has none (s).
_LONGEST_S = 60.0
#: What a document of JSON looks like to a reader of events.
_NO_STREAM = frozenset({AnswerFault.CUT, AnswerFault.EMPTY})
#: The shortest interval (s): every answer costs money.
LEAST_INTERVAL_S = 60


async def probe(spec: CanarySpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Ask once and judge the answer; never asks again, since that would be billed as well."""
    reader = StreamReader(FORMS[spec.form])

    def take(came: bytes, at_s: float) -> bool:
        try:
            reader.feed(came, at_s)
        except StreamTooLarge as error:
            raise TooLarge(str(error)) from None
        return reader.done

    exchange = StreamedExchange(_request(spec, secrets), context.trace, take)
    response, error = None, None
    try:
        with within(max(_LEAST_S, (context.timeout_s or _LONGEST_S) - _MARGIN_S)):
            response = await exchange.run(context.dialer)
    except Exception as failed:  # noqa: BLE001 - what is not known is raised again below
        error = failed
    ended_s = perf_counter()
    if response is not None and response.code != _OK:
        return _refused(spec, response, context)
    if error is not None and (exchange.headers_s is None or not isinstance(error, TimeoutError)):
        return _failed(error, exchange, context)
    return _judged(spec, _Stream(reader, exchange, ended_s, response), context)


class _Stream:
    """A stream that is over, or was given up (`late`)."""

    def __init__(
        self, reader: StreamReader, exchange: StreamedExchange, ended_s: float, response: Response | None
    ) -> None:
        reader.close()
        sent_s = exchange.sent_s if exchange.sent_s is not None else ended_s
        self.answer = reader.answer
        self.is_cut = reader.is_cut
        self.late = response is None
        self.fault = response.fault if response is not None else None
        coding = (response.header("content-encoding") or "") if response is not None else ""
        self.headers = response.headers if response is not None else ()
        self.coding = coding.strip().lower().removeprefix("identity")
        kind = (response.header("content-type") or "") if response is not None else ""
        self.is_document = kind.strip().lower().startswith("application/json")
        self.timing = timing_of(reader, sent_s, exchange.headers_s, ended_s)


def _judged(spec: CanarySpec, stream: _Stream, context: ProbeContext) -> Observation:
    judged = judge(stream.answer, stream.timing, stream.is_cut, expectation_of(spec))
    is_whole = not stream.is_cut and not stream.answer.error
    facts: dict[str, Fact] = {"address": context.trace.address}
    facts |= stream_facts(stream.answer, stream.timing, is_whole)
    facts |= headroom(stream.headers, context.now_s)
    phases, outcomes = context.trace.phases(), tuple(map(_outcome, judged)) if context.explain else ()
    failed = first_failure(judged)
    if failed is None:
        return Observation(Status.UP, Reason.OK, phases, _OK, "", facts, outcomes)
    assert failed.fault is not None
    facts[ANSWER_FAULT] = failed.fault.value
    reason, detail = failed.reason, f"expected {failed.expected}; found {failed.found}"
    if stream.is_cut and stream.late:
        reason, detail = Reason.STALLED, f"the stream had not ended when the time was over: {failed.found}"
    elif stream.is_cut and stream.coding:
        reason, detail = Reason.PROTOCOL_ERROR, "the stream is compressed, although the check asks for none of it"
    elif stream.is_cut and isinstance(stream.fault, TooLarge):
        reason, detail = Reason.TOO_LARGE, str(stream.fault)
    elif stream.is_document and failed.fault in _NO_STREAM and FORMS[spec.form].framing is Framing.EVENTS:
        reason, detail = Reason.PROTOCOL_ERROR, "expected a stream; found one JSON document, as without `stream`"
    return Observation(Status.DEGRADED, reason, phases, _OK, printable(detail), facts, outcomes)


def _outcome(one: Judged) -> AssertionOutcome:
    if one.fault is None:
        return AssertionOutcome(True, one.expected, printable(one.found))
    return AssertionOutcome(False, one.expected, printable(one.found), Status.DEGRADED, one.reason)


def _refused(spec: CanarySpec, response: Response, context: ProbeContext) -> Observation:
    """An answer that is no stream: what it says by its code and its body."""
    read = classify.classify(
        classify.ReceivedAnswer(spec.read_as, response.code, response.headers, response.body, False), context.now_s
    )
    facts: dict[str, Fact] = {"address": context.trace.address, **read.facts}
    if read.retry_after_s > 0:
        facts[RETRY_AFTER] = read.retry_after_s
    reason = Reason.UNEXPECTED_STATUS if read.status is Status.UP else read.reason
    status = Status.UNKNOWN if read.status is Status.UNKNOWN else Status.DEGRADED
    sent = FORMS[spec.form].body(prompt_of(spec))
    field = refused_field(response.body, sent) if response.code in _UNFIT else ""
    detail = f"answered {response.code}: {field}" if field else read.detail
    return Observation(status, reason, context.trace.phases(), response.code, printable(detail), facts)


def _failed(error: Exception, exchange: StreamedExchange, context: ProbeContext) -> Observation:
    """A failure before the stream began. Without a request sent there is nothing to be billed."""
    explained = explain(error)
    if explained is None:
        raise error
    status, reason, detail = explained
    facts: dict[str, Fact] = {"address": context.trace.address} if context.trace.address else {}
    if exchange.sent_s is None:
        facts[NOT_SENT] = True
    status = Status.DEGRADED if status is Status.DOWN else status
    return Observation(status, reason, context.trace.phases(), 0, printable(detail), facts)


def _request(spec: CanarySpec, secrets: Mapping[str, str]) -> Request:
    form = FORMS[spec.form]
    own = secret_headers(secrets)
    given = {name.lower() for name, _ in own}
    headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream, application/json")]
    headers += [(name, value) for name, value in form.headers if name.lower() not in given]
    body = msgspec.json.encode(form.body(prompt_of(spec)))
    tls = tls_options_of(spec, secrets, HTTP_ALPN)
    return Request(
        parse_url(spec.url), "POST", (*headers, *own), body, tls, spec.server_name, BODY_LIMIT_MOST, enough=_never
    )


def _never(body: bytes | bytearray) -> bool:
    """What an endless body needs: the reader of the stream says when it is over."""
    return False


PROBER = Prober(CanarySpec, validate, validate_http_secrets, probe, LEAST_INTERVAL_S)
