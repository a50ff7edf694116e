"""The HTTP prober: one request, its redirects, and what the answer means."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

import msgspec

from probes.assertions import Assertion, judge
from probes.certificates import Certificate
from probes.classify import classify, codes
from probes.exchange import UnverifiedCertificate, exchange
from probes.failures import ProtocolBroken, TooManyRedirects
from probes.messages import BODY_LIMIT, BODY_LIMIT_MOST, Answer, Header, Request
from probes.observation import Observation, Prober, Reach, SpecError, printable
from probes.reasons import Status
from probes.targets import BadTarget, Target, follow, parse_url
from probes.wire import Fact

REDIRECTS_LIMIT = 5
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_HEADERS_MOST = 20
_HEADER_BYTES_MOST = 4096
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: Framing and hop-by-hop headers are the transport's.
_RESERVED = {
    "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
#: Never sent to another origin than the one they were written for.
_PERSONAL = {"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"}
_REDIRECTS = {301, 302, 303, 307, 308}


class HttpSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask `url`, follow redirects, and hold the answer against `expected_status` and `assertions`.

    `headers` are pairs. Secrets come apart from the spec: `bearer`, `basic` ("user:password"), `header.<Name>`.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    expected_status: tuple[str, ...] = ("200-399",)
    follow_redirects: bool = True
    verify_tls: bool = True
    assertions: tuple[Assertion, ...] = ()
    body_limit: int = BODY_LIMIT


def validate(spec: HttpSpec) -> None:
    try:
        parse_url(spec.url)
    except BadTarget as error:
        raise SpecError("url", str(error)) from None
    if spec.method not in _METHODS:
        raise SpecError("method", f"is one of {', '.join(_METHODS)}")
    if len(spec.headers) > _HEADERS_MOST:
        raise SpecError("headers", f"at most {_HEADERS_MOST}")
    for name, value in spec.headers:
        _check_header("headers", name, value)
    if len(spec.body) > BODY_LIMIT:
        raise SpecError("body", f"at most {BODY_LIMIT // 1024} KiB")
    try:
        if not codes(spec.expected_status):
            raise SpecError("expected_status", "name at least one code, like 200 or 200-299")
    except ValueError as error:
        raise error if isinstance(error, SpecError) else SpecError("expected_status", str(error)) from None
    for place, assertion in enumerate(spec.assertions):
        problem = assertion.problem()
        if problem is not None:
            raise SpecError(f"assertions[{place}]", problem)
    if not 0 <= spec.body_limit <= BODY_LIMIT_MOST:
        raise SpecError("body_limit", f"is between 0 and {BODY_LIMIT_MOST} bytes")


def validate_secrets(secrets: Mapping[str, str]) -> None:
    for name, value in secrets.items():
        if name == "basic" and ":" not in value:
            raise SpecError("secrets.basic", "is written user:password")
        if name in ("basic", "bearer"):
            _check_header(f"secrets.{name}", "Authorization", value)
        elif name.startswith("header."):
            _check_header(f"secrets.{name[:60]}", name.removeprefix("header."), value)
        else:
            raise SpecError("secrets", f"{name[:40]!r} is not one of bearer, basic, header.<Name>")


def _check_header(field: str, name: str, value: str) -> None:
    if not _TOKEN.match(name):
        raise SpecError(field, f"{name[:40]!r} is not a header name")
    if name.lower() in _RESERVED:
        raise SpecError(field, f"{name} is set by the transport and cannot be given")
    if _CONTROL.search(value):
        raise SpecError(field, f"the value of {name} must not hold line breaks or control characters")
    if len(value) > _HEADER_BYTES_MOST:
        raise SpecError(field, f"the value of {name} is longer than {_HEADER_BYTES_MOST} characters")


async def probe(spec: HttpSpec, secrets: Mapping[str, str], reach: Reach) -> Observation:
    """Ask, following redirects, and judge the last answer."""
    try:
        answer, hops = await _ask(spec, secrets, reach)
    except UnverifiedCertificate as error:
        return _unverified(error, reach)
    status, reason, detail = classify(answer.code, answer.body, spec.expected_status)
    phases = reach.trace.phases()
    if status is Status.UP and spec.assertions:
        finding = judge(spec.assertions, answer, phases.total_us)
        if finding is not None:
            status, reason, detail = finding
    return Observation(status, reason, phases, answer.code, printable(detail), _facts(answer, hops, reach))


async def _ask(spec: HttpSpec, secrets: Mapping[str, str], reach: Reach) -> tuple[Answer, int]:
    target = parse_url(spec.url)
    method, body = spec.method, spec.body.encode()
    headers = spec.headers + _secret_headers(secrets) if secrets else spec.headers
    for hop in range(REDIRECTS_LIMIT + 1):
        request = Request(target, method, headers, body, spec.verify_tls, spec.body_limit)
        answer = await exchange(request, reach.way, reach.trace)
        location = answer.header("location") if answer.code in _REDIRECTS and spec.follow_redirects else None
        if location is None:
            return answer, hop
        following = _redirected(target, location)
        if following.origin != target.origin:
            headers = tuple(header for header in spec.headers if header[0].lower() not in _PERSONAL | {"host"})
            secrets = {}
        if answer.code == 303 or (answer.code in (301, 302) and method == "POST"):
            method, body = ("HEAD" if method == "HEAD" else "GET"), b""
        target = following
    raise TooManyRedirects(f"more than {REDIRECTS_LIMIT} redirects")


def _redirected(target: Target, location: str) -> Target:
    try:
        return follow(target, location)
    except BadTarget as error:
        raise ProtocolBroken(f"redirected to a place that will not be dialled: {error}") from None


def _secret_headers(secrets: Mapping[str, str]) -> tuple[Header, ...]:
    headers: list[Header] = []
    for name, value in secrets.items():
        if name == "bearer":
            headers.append(("Authorization", f"Bearer {value}"))
        elif name == "basic":
            headers.append(("Authorization", "Basic " + base64.b64encode(value.encode()).decode()))
        else:
            headers.append((name.removeprefix("header."), value))
    return tuple(headers)


def _facts(answer: Answer, hops: int, reach: Reach) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"address": reach.trace.address, "body_bytes": len(answer.body)}
    if hops:
        facts["redirects"] = hops
    if answer.truncated:
        facts["truncated"] = True
    if answer.tls:
        facts["tls"] = answer.tls
    if answer.certificate is not None:
        facts |= _certificate_facts(answer.certificate, reach.now_s)
    return facts


def _certificate_facts(certificate: Certificate, now_s: float) -> dict[str, Fact]:
    return {
        "certificate_days": certificate.days_left(now_s),
        "certificate_subject": printable(certificate.subject),
        "certificate_issuer": printable(certificate.issuer),
    }


def _unverified(error: UnverifiedCertificate, reach: Reach) -> Observation:
    facts: dict[str, Fact] = {"address": reach.trace.address}
    if error.certificate is not None:
        facts |= _certificate_facts(error.certificate, reach.now_s)
    return Observation(error.status, error.reason, reach.trace.phases(), 0, printable(str(error)), facts)


PROBER = Prober(HttpSpec, validate, validate_secrets, probe)
