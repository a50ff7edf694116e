"""HTTP client for alerts: guarded, pooled connections with a deadline; small answers only."""

from __future__ import annotations

import asyncio
import re
import ssl

from probes.net.dialer import Dialer, Resolver
from probes.net.failures import Blocked, Failure, NameNotResolved, explain
from probes.net.guard import Egress
from probes.net.http.coding import decoded
from probes.net.http_messages import Request, Response
from probes.net.targets import BadTarget, parse_url
from vigil.alerts.channels.kind import ChannelError, ReceiverAnswer, ReceiverCall
from vigil.alerts.delivery.connection_pool import Pool
from vigil.clock import followed_clock
from vigil.configuration import AlertEgress

DEADLINE_S = 10.0
#: What is said of an address that is not public.
REFUSAL = "the address is not public; set VIGIL_ALERT_EGRESS=private to allow it"
#: A compressed answer is read up to so many times its size.
_UNPACKED_MOST = 20
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,4000}")


class GuardedOutbound:
    """Client without redirects, so secrets stay with their receiver. Create and close it on the loop that uses it."""

    def __init__(self, egress: AlertEgress, refusal: str = REFUSAL) -> None:
        self._refusal, self._resolver = refusal, Resolver()
        self._pool = Pool(Dialer(egress=Egress(egress.value), resolve=self._resolver))

    def now(self) -> float:
        # Receivers refuse a signature whose time is far from theirs, and a host may have a wrong one.
        return followed_clock.now_s()

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        try:
            target = parse_url(call.url)
        except BadTarget:
            raise ChannelError("the address is not valid for alerts", permanent=True) from None
        if not all(map(_HEADER_VALUE.fullmatch, call.headers.values())):
            raise ChannelError("a header has a character that is not allowed", permanent=True)
        headers = ("User-Agent", "Vigil"), *call.headers.items()
        request = Request(target, call.method, headers, call.body, connection="keep-alive")
        try:
            async with asyncio.timeout(DEADLINE_S):
                found = await self._pool.call(request)
        except TimeoutError:
            raise ChannelError(f"no answer within {DEADLINE_S:.0f} s") from None
        except Blocked:
            raise ChannelError(self._refusal, permanent=True) from None
        except Exception as problem:
            if explain(problem) is None:
                raise
            raise ChannelError(f"could not be reached ({_in_words(problem)})") from None
        return ReceiverAnswer(found.code, dict(found.headers), _text(found))

    async def close(self) -> None:
        self._pool.close()
        await self._resolver.close()


def _text(found: Response) -> str:
    """The answer's body; one that does not decode changes nothing of the code."""
    try:
        body = decoded(found.body, found.headers, len(found.body) * _UNPACKED_MOST, found.truncated).body
    except Failure:
        body = found.body
    return body.decode(errors="replace")


def _in_words(problem: Exception) -> str:
    # The text may hold the address, and a Slack address is a secret.
    if isinstance(problem, NameNotResolved):
        return "its name does not resolve"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return "its certificate cannot be trusted"
    return type(problem).__name__
