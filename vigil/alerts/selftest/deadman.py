"""Dead man's switch: an outside service that alerts people when our pings stop.

Pinged only while alerts are proven to get out: a synthetic incident passed through Vigil within ten minutes, and no
channel refused its part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import httpx

from probes.net.dialer import Dialer, Resolver
from probes.net.failures import Blocked
from probes.net.guard import Egress
from probes.net.httpx_transport import GuardedTransport
from vigil.alerts.core.selftest import doubt
from vigil.alerts.models import OutsidePing
from vigil.alerts.selftest.selftest import all_participants
from vigil.clock import database_now
from vigil.configuration import AlertEgress

EVERY = timedelta(seconds=60)
DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class DeadmanStatus:
    """Whether a ping is due, and why it must not be sent; empty when it may."""

    due: bool
    doubt: str


def deadman_status() -> DeadmanStatus:
    """Whether to ping the dead man's switch now."""
    now = database_now()
    last = OutsidePing.objects.filter(pk=1).values_list("asked_at", flat=True).first()
    is_due = last is None or now - last >= EVERY
    return DeadmanStatus(is_due, doubt(all_participants(), now) if is_due else "")


def record_ping(problem: str) -> None:
    """Record the outcome of a ping, or why none was sent."""
    now = database_now()
    fields = {"asked_at": now, "problem": problem[:200], **({} if problem else {"ok_at": now})}
    OutsidePing.objects.update_or_create(pk=1, defaults=fields)


class DeadmanSwitch:
    """Client of the dead man's switch. Create and close it on the loop that uses it."""

    def __init__(self, url: str, egress: AlertEgress) -> None:
        self._url = url
        self._resolver = Resolver()
        dialer = Dialer(egress=Egress(egress.value), resolve=self._resolver)
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(dialer), timeout=DEADLINE_S, follow_redirects=False, trust_env=False
        )

    async def ping(self) -> str:
        """Send a ping; returns the problem without the address, which is a secret, or nothing."""
        try:
            response = await self._client.get(self._url)
        except httpx.TimeoutException:
            return f"no answer within {DEADLINE_S:.0f} s"
        except (httpx.TransportError, httpx.InvalidURL) as problem:
            return "its address is not public" if isinstance(problem.__cause__, Blocked) else "it cannot be reached"
        return "" if response.is_success else f"it answered {response.status_code}"

    async def close(self) -> None:
        await self._client.aclose()
        await self._resolver.close()
