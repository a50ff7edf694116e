"""Connectivity anchors: hosts that a region can surely reach. When most of them fail, the region itself is cut off."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import structlog

from probes.net.deadlines import within
from probes.net.dialer import Dialer, dial
from probes.net.failures import explain
from probes.net.targets import BadTarget, parse_host
from probes.net.trace import Trace

_log = structlog.get_logger(__name__)

#: How often the anchors are tried, and how long each may take (s).
INTERVAL_S = 10.0
TIMEOUT_S = 5.0
FEWEST, MOST = 3, 10
_ANCHOR = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:\[\]]+)(:(?P<port>[0-9]{1,5}))?\Z")
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Anchor:
    """A host and port that answer a TCP connection, as long as this region has a network."""

    host: str
    port: int

    @property
    def organisation(self) -> str:
        """Whose it is, as far as its name tells: the last two labels, or the first half of an address."""
        if ":" in self.host:
            return ":".join(self.host.split(":")[:2])
        labels = self.host.split(".")
        return ".".join(labels[:2] if labels[-1].isdigit() else labels[-2:])


def parse(text: str) -> tuple[Anchor, ...]:
    """Read `host[:port], ...`; raises ValueError with what to do. Nothing is no anchors."""
    anchors = tuple(_anchor(part.strip()) for part in text.split(",") if part.strip())
    if not anchors:
        return ()
    if not FEWEST <= len(anchors) <= MOST:
        raise ValueError(f"{FEWEST} to {MOST} anchors, like example.com, example.net:53, 192.0.2.1:443")
    if len({anchor.organisation for anchor in anchors}) < FEWEST:
        raise ValueError(
            f"anchors of at least {FEWEST} organisations: what one of them loses must not cut a region off"
        )
    return anchors


def _anchor(text: str) -> Anchor:
    found = _ANCHOR.match(text)
    if found is None:
        raise ValueError(f"{text[:60]!r} is no anchor: write a host, or host:port")
    port = int(found["port"] or _HTTPS)
    if not 0 < port < 65_536:
        raise ValueError(f"port {port} cannot be dialled")
    try:
        host, _ = parse_host(found["host"].strip("[]"))
    except BadTarget as problem:
        raise ValueError(str(problem)) from None
    return Anchor(host, port)


class _AnchorConnection(asyncio.Protocol):
    """A connection that is closed as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Anchors:
    """The anchors of this region, tried every few seconds. `changed` is set when it is cut off, and when it is back."""

    def __init__(self, dialer: Dialer, anchors: tuple[Anchor, ...]) -> None:
        self._dialer = dialer
        self._anchors = anchors
        self.failing = 0
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._anchors)

    async def run(self) -> None:
        """Try all of them every few seconds until cancelled; without anchors, only wait."""
        while self._anchors:
            await self.look()
            await asyncio.sleep(INTERVAL_S)
        await asyncio.Event().wait()

    async def look(self) -> None:
        """Try each anchor once, all at the same time."""
        reached = await asyncio.gather(*(self._reaches(anchor) for anchor in self._anchors))
        before = self._adrift
        self.failing = reached.count(False)
        if self._adrift != before:
            log = _log.error if self._adrift else _log.info
            log("anchors.changed", failing=self.failing, anchors=len(self._anchors))
            self.changed.set()

    @property
    def _adrift(self) -> bool:
        return 2 * self.failing > len(self._anchors)

    async def _reaches(self, anchor: Anchor) -> bool:
        try:
            with within(TIMEOUT_S):
                await dial(self._dialer, anchor.host, anchor.port, _AnchorConnection, Trace())
        except Exception as error:
            if explain(error) is None:
                raise
            return False
        return True
