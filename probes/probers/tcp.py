"""The TCP prober: does something accept connections there?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

import msgspec

from probes.dialing import dial
from probes.observation import Observation, Prober, Reach, SpecError
from probes.reasons import Reason, Status
from probes.targets import BadTarget, parse_host
from probes.trace import Trace


class TcpSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Connect to `host`, a name or an address, at `port`."""

    host: str
    port: int


def validate(spec: TcpSpec) -> None:
    try:
        parse_host(spec.host)
    except BadTarget as error:
        raise SpecError("host", str(error)) from None
    if not 1 <= spec.port <= 65_535:
        raise SpecError("port", "is between 1 and 65535")


def validate_secrets(secrets: Mapping[str, str]) -> None:
    if secrets:
        raise SpecError("secrets", "a TCP monitor has none")


class _Knock(asyncio.Protocol):
    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._trace.connected()
        self.transport = cast(asyncio.Transport, transport)


async def probe(spec: TcpSpec, secrets: Mapping[str, str], reach: Reach) -> Observation:
    """Connect, and close at once."""
    knock = _Knock(reach.trace)
    try:
        await dial(reach.way, parse_host(spec.host)[0], spec.port, lambda: knock, reach.trace)
    finally:
        if knock.transport is not None:
            knock.transport.abort()
    return Observation(Status.UP, Reason.OK, reach.trace.phases(), facts={"address": reach.trace.address})


PROBER = Prober(TcpSpec, validate, validate_secrets, probe)
