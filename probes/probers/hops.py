"""HTTP request with its redirects: what goes along from hop to hop, and what stays behind."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from probes.ai import billing
from probes.net.failures import BadRedirect, TooManyRedirects
from probes.net.http.cookies import Cookies
from probes.net.http.location import follow, location_of
from probes.net.http1 import exchange
from probes.net.http_messages import DEFAULT_TLS, Flaw, Header, Request, Response
from probes.net.targets import BadTarget, Target, parse_url
from probes.net.tls.options import HTTP_ALPN, Certificate, TlsOptions
from probes.prober import ProbeContext
from probes.specs.credentials import PERSONAL
from probes.specs.http import HttpSpec, secret_headers
from probes.specs.tls import CLIENT_CERTIFICATE, TlsFields, server_name_of, tls_options_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_SECRETS: Mapping[str, str] = {}


@dataclass(slots=True)
class FollowedAnswer:
    """The last answer and what was seen on the way: redirects, flaws, and the certificate that expires first.

    `soonest_of` says whose that is; it matters after a redirect only.
    """

    answer: Response
    redirects: int = 0
    flaws: tuple[Flaw, ...] = ()
    soonest: Certificate | None = None
    soonest_of: str = ""


@dataclass(slots=True)
class _Hop:
    """The next request of a check."""

    target: Target
    method: str
    headers: tuple[Header, ...]
    body: bytes
    tls: TlsOptions
    server_name: str
    login: str = ""
    cookies: Cookies | None = field(default=None)

    def request(self, body_limit: int, enough: Callable[[bytes | bytearray], bool] | None) -> Request:
        headers = self.headers
        if self.login:
            basic = base64.b64encode(self.login.encode()).decode()
            if not any(name.lower() == "authorization" for name, _ in headers):
                headers = (*headers, ("Authorization", f"Basic {basic}"))
        cookie = self.cookies.header(self.target) if self.cookies is not None else ""
        if cookie:
            own = "; ".join(value for name, value in headers if name.lower() == "cookie")
            headers = tuple(header for header in headers if header[0].lower() != "cookie")
            headers = (*headers, ("Cookie", f"{own}; {cookie}" if own else cookie))
        return Request(
            self.target, self.method, headers, self.body, self.tls, self.server_name, body_limit, enough=enough
        )


async def ask(
    spec: HttpSpec,
    secrets: Mapping[str, str],
    context: ProbeContext,
    enough: Callable[[bytes | bytearray], bool] | None,
) -> FollowedAnswer:
    """Send the request and follow its redirects; `enough` is for endless bodies, see `Request`."""
    headers = spec.headers + secret_headers(secrets) if secrets else spec.headers
    if context.traceparent:
        # Of the first request: a redirect to another origin starts from `spec.headers`.
        headers = (*headers, ("traceparent", context.traceparent))
    hop = _Hop(
        parse_url(spec.url), spec.method, headers, spec.body.encode(), _tls_options(spec, secrets),
        server_name_of(spec, ""),
    )  # fmt: skip
    limit = spec.bytes_read()
    asked: FollowedAnswer | None = None
    for count in range(spec.redirect_limit + 1):
        answer = await exchange(hop.request(limit, enough), context.dialer, context.trace)
        asked = _seen(asked, answer, hop.target, count)
        if context.trace.kept is not None:
            context.trace.kept.headers = list(answer.headers)
        location = location_of(answer.headers) if answer.code in REDIRECTS and spec.follows() else None
        if location is None:
            return asked
        _follow(hop, spec, answer, location, context)
    raise TooManyRedirects(f"more than {spec.redirect_limit} redirects")


def _seen(before: FollowedAnswer | None, answer: Response, target: Target, count: int) -> FollowedAnswer:
    """What is known after an answer: everything of the earlier hops, and the certificate that expires first."""
    mine = answer.soonest
    if before is None:
        whose = "" if mine is None else f"the certificate of {target.authority}, before the redirect"
        return FollowedAnswer(answer, count, answer.flaws, mine, whose)
    soonest, whose = before.soonest, before.soonest_of
    if soonest is None or (mine is not None and mine.expires_s <= soonest.expires_s):
        soonest, whose = mine, "" if mine is None else f"the certificate of {target.authority}"
    return FollowedAnswer(answer, count, (*before.flaws, *answer.flaws), soonest, whose)


def _follow(hop: _Hop, spec: HttpSpec, answer: Response, location: str, context: ProbeContext) -> None:
    """Turn a hop into the next one."""
    try:
        redirect = follow(hop.target, location)
    except BadTarget as error:
        raise BadRedirect(f"redirected ({answer.code}) to a place that cannot be followed: {error}") from None
    target = redirect.target
    if context.trace.kept is not None:
        context.trace.kept.hops.append(f"{answer.code} to {target.url}")
    if any(name == "set-cookie" for name, _ in answer.headers):
        hop.cookies = hop.cookies or Cookies()
        hop.cookies.take(hop.target, answer.headers, context.now_s)
    if target.origin != hop.target.origin:
        hop.headers = tuple(header for header in spec.headers if not PERSONAL.search(header[0]))
        hop.tls, hop.server_name, hop.login = _tls_options(spec, _NO_SECRETS), "", ""
    hop.login = redirect.login or hop.login
    if answer.code == 303 or (answer.code in (301, 302) and hop.method == "POST"):
        hop.method, hop.body = ("HEAD" if hop.method == "HEAD" else "GET"), b""
    if billing.refusal(hop.method, target.url, spec.billing_acknowledged) is not None:
        raise BadRedirect("redirected to a request that is no health check: it would cost or change something")
    hop.target = target


def _tls_options(spec: TlsFields, secrets: Mapping[str, str]) -> TlsOptions:
    plain = spec.verify_tls and not spec.ca_pem and spec.min_tls == "1.2" and CLIENT_CERTIFICATE not in secrets
    return DEFAULT_TLS if plain else tls_options_of(spec, secrets, HTTP_ALPN)
