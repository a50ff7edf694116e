"""Ping prober: ICMP echo, or a TCP connection where the region may not send ICMP."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import socket
import struct
import time
from collections.abc import Mapping

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import Latency, validate_assertions
from probes.net.dialer import Dialer, addresses_of, source_for
from probes.net.race import first_success
from probes.net.stream import Endpoint, open_stream
from probes.net.targets import parse_host
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged, validate_host
from probes.specs.family import FamilyField
from probes.wire import Fact

_ECHOES_MOST = 5
#: Pause between two echoes (s).
_PAUSE_S = 0.2
_PAYLOAD = b"vigil monitors this host"
_NOT_PERMITTED = {errno.EPERM, errno.EACCES, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT}
_identifiers = itertools.count(os.getpid())


class IcmpSpec(FamilyField, frozen=True, kw_only=True):
    """Send `echoes` to `host`; one answer is enough. Where echoes are not permitted, connect to `tcp_port` instead.

    With `tcp_port` 0 nothing replaces the echo, and a region without the permission has no vote.
    """

    host: str
    echoes: int = 3
    tcp_port: int = 443
    assertions: tuple[Latency, ...] = ()


def validate(spec: IcmpSpec) -> None:
    validate_host("host", spec.host)
    if not 1 <= spec.echoes <= _ECHOES_MOST:
        raise SpecError("echoes", f"is between 1 and {_ECHOES_MOST}")
    if not 0 <= spec.tcp_port <= 65_535:
        raise SpecError("tcp_port", "is between 1 and 65535, or 0 for none")
    validate_assertions(spec.assertions)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    if secrets:
        raise SpecError("secrets", "a ping monitor has none")


class _NoEcho(TimeoutError):
    """No echo to one address was answered."""


class _NotPermitted(OSError):
    """This region may not send echoes (in this family)."""


async def probe(spec: IcmpSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Send echoes to one address after the other until one is answered, or connect where that is not permitted."""
    host = parse_host(spec.host)[0]
    addresses = await addresses_of(context.dialer, host, None, context.trace)
    context.trace.begin("first_byte")
    facts: dict[str, Fact] = {}
    found: Finding = PASSED

    async def echo(address: str) -> int:
        with _Echoes(address, context.dialer) as echoes:
            return await echoes.ask(spec.echoes)

    try:
        facts["echoes_sent"] = await first_success(addresses, echo, context.trace)
        facts["echoes_answered"] = 1
    except _NotPermitted:
        if not spec.tcp_port:
            text = "this region may not send echoes, and no port was named to connect to instead"
            facts["address"] = context.trace.address
            return Observation(Status.UNKNOWN, Reason.PROBE_ERROR, context.trace.phases(), 0, text, facts)
        await _connect(host, spec.tcp_port, context)
        facts["degraded_to"] = "tcp"
    except _NoEcho:
        facts |= {"echoes_sent": spec.echoes, "echoes_answered": 0}
        where = f" by any of {len(addresses)} addresses" if len(addresses) > 1 else ""
        found = Status.DOWN, Reason.TIMEOUT, f"none of {spec.echoes} echoes was answered{where}"
    if "degraded_to" not in facts:
        context.trace.answered()
    facts["address"] = context.trace.address
    if context.trace.passed_over:
        facts["passed_over"] = printable(context.trace.passed_over)
    view = AnswerView(context.trace.total_us(), context.now_s)
    (status, reason, detail), outcomes = judged(found, spec.assertions, view, context.explain)
    return Observation(status, reason, context.trace.phases(), 0, printable(detail), facts, outcomes)


async def _connect(host: str, port: int, context: ProbeContext) -> None:
    """Connect; a refusal is an answer of the host as well."""
    try:
        async with open_stream(context.dialer, Endpoint(host, port), context.trace):
            return
    except ConnectionRefusedError:
        return


class _Echoes:
    """ICMP socket for one address: unprivileged where the kernel allows it, raw otherwise.

    Raises _NotPermitted where neither is permitted, and OSError where the address cannot be reached.
    """

    def __init__(self, address: str, dialer: Dialer) -> None:
        self._v6 = ":" in address
        self._raw, self._socket = _opened(self._v6)
        self._identifier = next(_identifiers) & 0xFFFF
        self._socket.setblocking(False)
        try:
            source = source_for(dialer, address)
            if source is not None:
                self._socket.bind(source)
            self._socket.connect((address, 0))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> _Echoes:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    async def ask(self, echoes: int) -> int:
        """Send echoes with pauses until one is answered; how many were sent. Raises _NoEcho, in bounded time."""
        loop = asyncio.get_running_loop()
        for number in range(1, echoes + 1):
            await loop.sock_sendall(self._socket, self._echo(number))
            if await self._answered(_PAUSE_S if number < echoes else 10 * _PAUSE_S):
                return number
        raise _NoEcho

    async def _answered(self, within_s: float) -> bool:
        loop = asyncio.get_running_loop()
        until = time.monotonic() + within_s
        while (left := until - time.monotonic()) > 0:
            try:
                packet = await asyncio.wait_for(loop.sock_recv(self._socket, 2048), left)
            except TimeoutError:
                return False
            if self._is_ours(packet):
                return True
        return False

    def _echo(self, number: int) -> bytes:
        kind = 128 if self._v6 else 8
        head = struct.pack(">BBHHH", kind, 0, 0, self._identifier, number)
        # The kernel computes the checksum of ICMPv6.
        checksum = 0 if self._v6 else _checksum(head + _PAYLOAD)
        return struct.pack(">BBHHH", kind, 0, checksum, self._identifier, number) + _PAYLOAD

    def _is_ours(self, packet: bytes) -> bool:
        if self._raw and not self._v6 and packet:
            packet = packet[(packet[0] & 0x0F) * 4 :]
        if len(packet) < 8:
            return False
        kind, _, _, identifier, _ = struct.unpack(">BBHHH", packet[:8])
        # An unprivileged socket gets its identifier from the kernel, and only its own answers.
        ours = not self._raw or identifier == self._identifier
        return kind == (129 if self._v6 else 0) and ours and packet[8:] == _PAYLOAD


def _opened(v6: bool) -> tuple[bool, socket.socket]:
    """Whether it is raw, and the socket; raises _NotPermitted."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    protocol = socket.getprotobyname("ipv6-icmp" if v6 else "icmp")
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return kind is socket.SOCK_RAW, socket.socket(family, kind, protocol)
        except OSError as error:
            if error.errno not in _NOT_PERMITTED:
                raise
    raise _NotPermitted(errno.EPERM, "echoes are not permitted")


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


PROBER = Prober(IcmpSpec, validate, validate_secrets, probe)
