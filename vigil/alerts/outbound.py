"""The way out for alerts: HTTP over the guarded transport of the probes, with a deadline and a small answer."""

from __future__ import annotations

import time
from collections.abc import Mapping

import httpx

from probes.dialing import Resolver, Way
from probes.failures import Blocked
from probes.guard import Egress
from probes.transport import GuardedTransport
from vigil.alerts.channels.kind import ANSWER_LIMIT, Answer, ChannelError
from vigil.configuration import AlertEgress

DEADLINE_S = 10.0
ANSWER_BYTES = 4096
_USER_AGENT = "Vigil"


class GuardedOutbound:
    """Posts to addresses that alerts may go to; redirects are not followed, so a secret stays with its receiver.

    Make it on the loop that uses it, and close it there.
    """

    def __init__(self, egress: AlertEgress) -> None:
        self._resolver = Resolver()
        way = Way(egress=Egress(egress.value), resolve=self._resolver)
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(way, body_limit=ANSWER_BYTES),
            timeout=DEADLINE_S,
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": _USER_AGENT},
        )

    def now(self) -> float:
        return time.time()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            response = await self._client.post(url, headers=dict(headers), content=body)
        except httpx.TimeoutException:
            raise ChannelError(f"no answer within {DEADLINE_S:.0f} s") from None
        except httpx.UnsupportedProtocol:
            raise ChannelError("the address is not one that alerts can go to", permanent=True) from None
        except httpx.TransportError as problem:
            if isinstance(problem.__cause__, Blocked):
                raise ChannelError(
                    "the address is not public; VIGIL_ALERT_EGRESS=private would allow it", permanent=True
                ) from None
            # The text of the problem may hold the address, and a Slack address is a secret.
            cause = type(problem.__cause__ or problem).__name__
            raise ChannelError(f"could not be reached ({cause})") from None
        except httpx.InvalidURL:
            raise ChannelError("the address cannot be used", permanent=True) from None
        answer_headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, answer_headers, response.text[:ANSWER_LIMIT])

    async def close(self) -> None:
        await self._client.aclose()
        await self._resolver.close()
