"""HTTP prober: one request with its redirects, classification of the answer, and assertions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from probes.ai import billing, classify
from probes.ai.classify import Classified
from probes.ai.rate_limits import RETRY_AFTER_MOST_S
from probes.assertions.answer import AnswerView
from probes.assertions.kinds import judge, worst
from probes.assertions.redaction import spellings
from probes.assertions.status_codes import codes
from probes.net.failures import ProtocolBroken, TooManyRedirects
from probes.net.http1 import exchange
from probes.net.http_messages import DEFAULT_TLS, Request, Response
from probes.net.stream import UnverifiedCertificate
from probes.net.targets import BadTarget, Target, follow, parse_url
from probes.net.tls_options import HTTP_ALPN, Certificate, TlsOptions
from probes.prober import RETRY_AFTER, AssertionOutcome, Observation, ProbeContext, Prober, printable
from probes.reasons import Reason, Status
from probes.specs.http import HttpSpec, secret_headers, validate, validate_secrets
from probes.specs.tls import CLIENT_CERTIFICATE, TlsFields, server_name_of, tls_options_of
from probes.wire import Fact

#: Headers never sent to another origin after a redirect, by parts of their names: users put keys into plain headers.
_PERSONAL = re.compile(r"auth|key|token|secret|cookie|session|passw|credential|signature|^host$", re.IGNORECASE)
_REDIRECTS = {301, 302, 303, 307, 308}
_NO_SECRETS: Mapping[str, str] = {}


async def probe(spec: HttpSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Send the request, follow redirects, and judge the last answer."""
    try:
        answer, hops = await _ask(spec, secrets, context)
    except UnverifiedCertificate as error:
        return _unverified(error, context)
    expected = answer.code in codes(spec.expected_status)
    read = classify.classify(
        classify.ReceivedAnswer(spec.provider, answer.code, answer.headers, answer.body, expected), context.now_s
    )
    phases = context.trace.phases()
    status, reason, detail = read.status, read.reason, read.detail
    if reason is Reason.UNEXPECTED_STATUS:
        detail = f"{detail}, expected {', '.join(spec.expected_status)}"
    outcomes: tuple[AssertionOutcome, ...] = ()
    if spec.assertions and (status is Status.UP or context.explain):
        outcomes = judge(spec.assertions, _view(answer, phases.total_us, secrets, context))
        failed = worst(outcomes)
        if failed is not None and status is Status.UP:
            status, reason, detail = failed.status, failed.reason, failed.detail
    facts = _facts(answer, hops, context)
    if read.facts or read.retry_after_s:
        facts |= _read_facts(read)
    shown = outcomes if context.explain else ()
    return Observation(status, reason, phases, answer.code, printable(detail), facts, shown)


def _view(answer: Response, total_us: int, secrets: Mapping[str, str], context: ProbeContext) -> AnswerView:
    return AnswerView(
        total_us,
        context.now_s,
        answer.code,
        answer.headers,
        answer.body,
        answer.truncated,
        answer.certificate,
        spellings(secrets) if secrets else (),
    )


async def _ask(spec: HttpSpec, secrets: Mapping[str, str], context: ProbeContext) -> tuple[Response, int]:
    target, server_name = parse_url(spec.url), server_name_of(spec, "")
    method, body, tls = spec.method, spec.body.encode(), _tls_options(spec, secrets)
    headers = spec.headers + secret_headers(secrets) if secrets else spec.headers
    for hop in range(spec.redirect_limit + 1):
        request = Request(target, method, headers, body, tls, server_name, spec.body_limit)
        answer = await exchange(request, context.dialer, context.trace)
        if context.trace.kept is not None:
            context.trace.kept.headers = list(answer.headers)
        location = answer.header("location") if answer.code in _REDIRECTS and spec.follow_redirects else None
        if location is None:
            return answer, hop
        following = _redirected(target, location)
        if context.trace.kept is not None:
            context.trace.kept.hops.append(f"{answer.code} to {following.url}")
        if following.origin != target.origin:
            headers = tuple(header for header in spec.headers if not _PERSONAL.search(header[0]))
            tls, server_name = _tls_options(spec, _NO_SECRETS), ""
        if answer.code == 303 or (answer.code in (301, 302) and method == "POST"):
            method, body = ("HEAD" if method == "HEAD" else "GET"), b""
        if billing.refusal(method, following.url, spec.billing_acknowledged) is not None:
            raise ProtocolBroken("redirected to a request that is no health check: it would cost or change something")
        target = following
    raise TooManyRedirects(f"more than {spec.redirect_limit} redirects")


def _tls_options(spec: TlsFields, secrets: Mapping[str, str]) -> TlsOptions:
    plain = spec.verify_tls and not spec.ca_pem and spec.min_tls == "1.2" and CLIENT_CERTIFICATE not in secrets
    return DEFAULT_TLS if plain else tls_options_of(spec, secrets, HTTP_ALPN)


def _redirected(target: Target, location: str) -> Target:
    try:
        return follow(target, location)
    except BadTarget as error:
        raise ProtocolBroken(f"redirected to a place that will not be dialled: {error}") from None


def _facts(answer: Response, hops: int, context: ProbeContext) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"address": context.trace.address, "body_bytes": len(answer.body)}
    if hops:
        facts["redirects"] = hops
    if answer.truncated:
        facts["truncated"] = True
    if answer.tls:
        facts["tls"] = answer.tls
    if answer.certificate is not None:
        facts |= certificate_facts(answer.certificate, context.now_s)
    return facts


def _read_facts(read: Classified) -> dict[str, Fact]:
    wait_s = min(read.retry_after_s, RETRY_AFTER_MOST_S)
    return {**read.facts, RETRY_AFTER: wait_s} if wait_s > 0 else read.facts


def certificate_facts(certificate: Certificate, now_s: float) -> dict[str, Fact]:
    return {
        "certificate_days": certificate.days_left(now_s),
        "certificate_subject": printable(certificate.subject),
        "certificate_issuer": printable(certificate.issuer),
    }


def _unverified(error: UnverifiedCertificate, context: ProbeContext) -> Observation:
    facts: dict[str, Fact] = {"address": context.trace.address}
    if error.certificate is not None:
        facts |= certificate_facts(error.certificate, context.now_s)
    return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)


PROBER = Prober(HttpSpec, validate, validate_secrets, probe)
