"""Demo installation: all processes in a temporary folder, the fake provider, the webhook receiver."""

from __future__ import annotations

import asyncio
import sys

import httpx
import msgspec

from vigil.alerts.channels.webhook import new_secret
from vigil.demo.provider import ProviderState
from vigil.demo.receiver import SECRET_VARIABLE
from vigil.demo.story import Seat, SeenAlert, alerts_of
from vigil.local.installation import InstallationOptions
from vigil.local.processes import LocalRegion, answers_health
from vigil.local.programs import Program
from vigil.local.servers import ports
from vigil.local.supervisor import Supervisor
from vigil.local.temporary import Throwaway

SEATS = (
    Seat("eu-west", "aws"),
    Seat("us-east", "aws"),
    Seat("ap-south", "gcp"),
    Seat("us-west", "hetzner"),
    Seat("eu-north", "ovh"),
)
#: Programs that the story needs; the web pages may start later.
_PLAYERS = ("consensus", "dispatch", "ingest", "deliver", *(f"worker-{seat.region}" for seat in SEATS))
#: Check interval of a region (s); five regions check every second.
INTERVAL_S = 5
_CALL_TIMEOUT_S = 5.0
_EXTRAS_DEADLINE_S = 20.0
_POLL_S = 0.05


def source_address(seat: Seat) -> str:
    """Loopback source address of a region, so that the provider can tell regions apart."""
    return f"127.0.1.{SEATS.index(seat) + 1}"


class Stage:
    """The running processes. Create it on the main thread; `open` starts them, `close` stops them and cleans up."""

    def __init__(self, keep: bool = False, wanted: InstallationOptions | None = None) -> None:
        self._keep = keep
        self._throwaway = Throwaway("demo", wanted or stage_options(), keep)
        self.path = self._throwaway.path
        self.installation = self._throwaway.installation
        self.secret = new_secret()
        self._provider_port, self._control_port, self._receiver_port = (ports.take_free_port() for _ in range(3))
        self._extras = Supervisor(self._extra_programs(), self._throwaway.journal)
        self._client = httpx.AsyncClient(trust_env=False, timeout=_CALL_TIMEOUT_S)

    @property
    def provider_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._provider_port}"

    @property
    def control_url(self) -> str:
        """Where the provider takes its state."""
        return f"http://{ports.LOOPBACK}:{self._control_port}"

    @property
    def hook_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._receiver_port}/hook"

    async def open(self) -> None:
        """Start everything and wait until ready; raises CannotStart."""
        self._extras.start()
        await asyncio.gather(self._extras.wait_ready(_EXTRAS_DEADLINE_S), self.installation.start())

    async def prepared(self) -> None:
        """Wait until the installation's tables and regions exist."""
        await self._ready("prepare")

    async def playable(self) -> None:
        """Wait until the needed programs run."""
        await self._ready(*_PLAYERS)

    async def close(self) -> None:
        """Stop everything and remove the folder; a hard stop is fine unless the folder is kept."""
        if not self._keep:
            self.hurry()
        await asyncio.gather(self.installation.stop(), self._extras.stop())
        await self._client.aclose()
        self._throwaway.discard()

    def hurry(self) -> None:
        """Cut `close` short."""
        self.installation.supervisor.hurry()
        self._extras.hurry()

    async def _ready(self, *names: str) -> None:
        supervisor = self.installation.supervisor
        while not all(supervisor.is_ready(name) for name in names):
            await asyncio.sleep(_POLL_S)

    async def direct_provider(self, state: ProviderState) -> None:
        """Set the provider's state; returns once applied."""
        answer = await self._client.post(f"{self.control_url}/state", content=msgspec.json.encode(state))
        answer.raise_for_status()

    async def alerts(self) -> list[SeenAlert]:
        """Alerts received so far."""
        answer = await self._client.get(f"http://{ports.LOOPBACK}:{self._receiver_port}/received")
        return [alert for received in answer.json() for alert in alerts_of(received)]

    def _extra_programs(self) -> list[Program]:
        env = {**self.installation.env, SECRET_VARIABLE: self.secret}
        provider = ["--port", str(self._provider_port), "--control-port", str(self._control_port)]
        return [
            Program(
                "provider",
                [sys.executable, "-m", "vigil.demo.provider", *provider],
                env,
                is_ready=answers_health(self._control_port),
            ),
            Program(
                "receiver",
                [sys.executable, "-m", "vigil.demo.receiver", "--port", str(self._receiver_port)],
                env,
                is_ready=answers_health(self._receiver_port),
            ),
        ]


def stage_options(**env: str) -> InstallationOptions:
    """Five regions on addresses of their own, and more settings for every process."""
    sources = {seat: {"VIGIL_PROBE_SOURCE": source_address(seat)} for seat in SEATS}
    regions = tuple(LocalRegion(seat.region, seat.domain, env=sources[seat]) for seat in SEATS)
    return InstallationOptions(regions, env=env)
