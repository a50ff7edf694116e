"""Spec of an HTTP monitor: its fields, its secrets, and their validation."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from probes.ai import billing
from probes.assertions.kinds import CODES_MOST, STEPS_MOST, Assertion, StatusIs, validate_assertions
from probes.assertions.status_codes import codes
from probes.net.http_messages import BODY_LIMIT, BODY_LIMIT_MOST, Header
from probes.net.targets import BadTarget, parse_url
from probes.prober import SpecError
from probes.specs.tls import CLIENT_CERTIFICATE, CLIENT_KEY, TlsFields, validate_identity, validate_tls

#: As curl; browsers follow 20.
REDIRECTS_MOST = 50
DEFAULT_CODES = ("200-399",)
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_HEADERS_MOST = 20
_HEADER_BYTES_MOST = 4096
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REDIRECT_CODES = frozenset(range(300, 400))
_PROVIDER = re.compile(r"[a-z0-9-]{0,40}\Z")
#: Framing and hop-by-hop headers: only the client sets them.
_RESERVED = {
    "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip


class HttpSpec(TlsFields, frozen=True, kw_only=True):
    """Request `url`, follow redirects, and check the answer against `expected_status` and `assertions`.

    `headers` are pairs. `provider` names the preset by whose rules the answer is read. `body_limit` in bytes; without
    one, assertions on the body read up to 1 MiB. 0 judges by the head alone. A status assertion replaces the default
    of `expected_status`.
    `billing_acknowledged` allows requests that may cost money; see `probes.ai.billing`.
    `traceparent` sends the header of that name (W3C Trace Context), to the origin of `url` alone.
    Secrets are kept apart from the spec: `bearer`, `basic` ("user:password"), `header.<Name>`, and `client_certificate`
    with `client_key` (PEM).
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    expected_status: tuple[str, ...] = DEFAULT_CODES
    follow_redirects: bool = True
    redirect_limit: int = 20
    assertions: tuple[Assertion, ...] = ()
    body_limit: int = BODY_LIMIT
    provider: str = ""
    billing_acknowledged: bool = False
    traceparent: bool = False

    def codes_expected(self) -> frozenset[int]:
        """The codes that pass. A status assertion replaces the default; beside other codes both must hold."""
        expected, stated = codes(self.expected_status), self.expected_status != DEFAULT_CODES
        for assertion in self.assertions:
            if isinstance(assertion, StatusIs) and assertion.gives == "down" and assertion.reason is None:
                asserted = codes(assertion.expected)
                expected, stated = expected & asserted if stated else asserted, True
        return expected

    def follows(self) -> bool:
        """Whether redirects are followed: not where a redirect is all that the monitor expects."""
        return self.follow_redirects and not self.codes_expected() <= _REDIRECT_CODES

    def bytes_read(self) -> int:
        """How much of the body is read: more than the default where an assertion has to judge the whole of it."""
        if self.body_limit != BODY_LIMIT or not any(each.reads_body() for each in self.assertions):
            return self.body_limit
        weight = sum(each.weight() for each in self.assertions)
        return max(BODY_LIMIT, min(BODY_LIMIT_MOST, STEPS_MOST // weight if weight else BODY_LIMIT_MOST))


def validate(spec: HttpSpec) -> None:
    try:
        parse_url(spec.url)
    except BadTarget as error:
        raise SpecError("url", str(error)) from None
    if spec.method not in _METHODS:
        raise SpecError("method", f"is one of {', '.join(_METHODS)}")
    billed = billing.refusal(spec.method, spec.url, spec.billing_acknowledged, spec.provider)
    if billed:
        raise SpecError("url", billed)
    if len(spec.headers) > _HEADERS_MOST:
        raise SpecError("headers", f"at most {_HEADERS_MOST}")
    for name, value in spec.headers:
        check_header("headers", name, value)
    if spec.traceparent and any(name.lower() == "traceparent" for name, _ in spec.headers):
        raise SpecError("traceparent", "is one of `headers` already: take one of them")
    if len(spec.body) > BODY_LIMIT:
        raise SpecError("body", f"at most {BODY_LIMIT // 1024} KiB")
    if len(spec.expected_status) > CODES_MOST:
        raise SpecError("expected_status", f"at most {CODES_MOST} codes and ranges")
    try:
        if not codes(spec.expected_status):
            raise SpecError("expected_status", "name at least one code, like 200 or 200-299")
    except ValueError as error:
        raise error if isinstance(error, SpecError) else SpecError("expected_status", str(error)) from None
    if not 0 <= spec.redirect_limit <= REDIRECTS_MOST:
        raise SpecError("redirect_limit", f"is between 0 and {REDIRECTS_MOST}")
    validate_assertions(spec.assertions, spec.body_limit)
    if not spec.codes_expected():
        raise SpecError("assertions", "no code can meet `expected_status` and the status assertions together")
    if not 0 <= spec.body_limit <= BODY_LIMIT_MOST:
        raise SpecError("body_limit", f"is between 0 and {BODY_LIMIT_MOST} bytes")
    if not _PROVIDER.match(spec.provider):
        raise SpecError("provider", "is the name of a preset, like openai")
    validate_tls(spec)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    for name, value in secrets.items():
        if name == "basic" and ":" not in value:
            raise SpecError("secrets.basic", "is written user:password")
        if name in ("basic", "bearer"):
            check_header(f"secrets.{name}", "Authorization", value)
        elif name.startswith("header."):
            check_header(f"secrets.{name[:60]}", name.removeprefix("header."), value)
        elif name not in (CLIENT_CERTIFICATE, CLIENT_KEY):
            known = f"bearer, basic, header.<Name>, {CLIENT_CERTIFICATE}, {CLIENT_KEY}"
            raise SpecError("secrets", f"{name[:40]!r} is not one of {known}")
    if "basic" in secrets and "bearer" in secrets:
        raise SpecError("secrets", "give `basic` or `bearer`, not both")
    validate_identity(secrets)


def check_header(field: str, name: str, value: str) -> None:
    """Refuse a header that cannot be sent as it is; raises SpecError, which does not quote the value."""
    if not _TOKEN.match(name):
        raise SpecError(field, f"{name[:40]!r} is not a header name")
    if name.lower() in _RESERVED:
        raise SpecError(field, f"{name} is set by the transport and cannot be given")
    if _CONTROL.search(value):
        raise SpecError(field, f"the value of {name} must not hold line breaks or control characters")
    if len(value) > _HEADER_BYTES_MOST:
        raise SpecError(field, f"the value of {name} is longer than {_HEADER_BYTES_MOST} characters")


def secret_headers(secrets: Mapping[str, str]) -> tuple[Header, ...]:
    """The secrets that are sent as headers."""
    headers: list[Header] = []
    for name, value in secrets.items():
        if name == "bearer":
            headers.append(("Authorization", f"Bearer {value}"))
        elif name == "basic":
            headers.append(("Authorization", "Basic " + base64.b64encode(value.encode()).decode()))
        elif name.startswith("header."):
            headers.append((name.removeprefix("header."), value))
    return tuple(headers)
