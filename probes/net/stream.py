"""Byte stream over one connection, with or without TLS and with bounded buffers, for probers of small protocols."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from probes.net.dialer import Dialer, dial
from probes.net.failures import ClosedEarly, Failure, ProtocolBroken, TooLarge
from probes.net.tls import certificates
from probes.net.tls.faults import EXPIRED, WRONG_NAME, fault
from probes.net.tls.options import Certificate, TlsOptions
from probes.net.tls.protocol import TlsProtocol
from probes.net.trace import Trace
from probes.reasons import Reason

#: Unread bytes at which reading from the network pauses.
_UNREAD_MOST = 65_536


class UnverifiedCertificate(Failure):
    """The server's certificate does not verify; `certificate` holds its fields when it could be read."""

    def __init__(
        self, error: ssl.SSLCertVerificationError, presented: Sequence[Certificate] = (), host: str = ""
    ) -> None:
        self.reason = Reason.CERTIFICATE_EXPIRED if error.verify_code == EXPIRED else Reason.CERTIFICATE_INVALID
        super().__init__()
        self._error = error
        self.tell(presented, host)

    @property
    def is_of_another(self) -> bool:
        """Whether it is valid for another name only."""
        return self._error.verify_code in WRONG_NAME

    def tell(self, presented: Sequence[Certificate], host: str) -> None:
        """Say what is wrong, by the certificates that the server sent for `host` (leaf first)."""
        # OpenSSL verifies by the clock of this machine.
        words = fault(self._error.verify_code, self._error.verify_message, presented, host, time.time())
        self.args = (f"the certificate does not verify: {words}",)
        self.certificate = presented[0] if presented else None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host (name or literal) and port, TLS unless `tls_options` is None, and the name to verify."""

    host: str
    port: int
    tls_options: TlsOptions | None = None
    server_name: str = ""


class Stream(TlsProtocol):
    """One connection. `ready` is done once bytes may be sent, or fails with the error."""

    __slots__ = ("_buffer", "_closed", "_error", "_wake", "ready")

    def __init__(self, trace: Trace, endpoint: Endpoint) -> None:
        super().__init__(trace, endpoint.tls_options, endpoint.server_name or endpoint.host)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._wake: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._closed = False

    async def more(self) -> bytes:
        """The bytes since the last call, at least one; b"" once the other side has closed."""
        while not self._buffer:
            if self._error is not None:
                raise self._error
            if self._closed:
                return b""
            await self._something()
        found = bytes(self._buffer)
        self._buffer.clear()
        self.pause(False)
        return found

    async def take(self, count: int) -> bytes:
        """Exactly `count` bytes; raises ClosedEarly when the other side closes first."""
        if count > _UNREAD_MOST:
            raise TooLarge(f"a message of {count} bytes")
        while len(self._buffer) < count:
            await self._missing()
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        self.pause(False)
        return found

    async def until_match(self, pattern: re.Pattern[bytes]) -> bytes:
        """The bytes up to the end of the first match; raises as `until` does."""
        while (found := pattern.search(self._buffer)) is None:
            if len(self._buffer) >= _UNREAD_MOST:
                raise TooLarge(f"more than {_UNREAD_MOST // 1024} KiB without an end")
            await self._missing()
        return await self.take(found.end())

    async def until(self, mark: bytes) -> bytes:
        """The bytes up to and including the mark; raises ClosedEarly, or TooLarge when the mark does not come."""
        while mark not in self._buffer:
            if len(self._buffer) >= _UNREAD_MOST:
                raise TooLarge(f"more than {_UNREAD_MOST // 1024} KiB without an end")
            await self._missing()
        return await self.take(self._buffer.index(mark) + len(mark))

    async def secure(self, options: TlsOptions, server_name: str) -> None:
        """Go on with TLS (STARTTLS). Raises UnverifiedCertificate, and what a handshake raises."""
        if self._buffer:
            # A host in between could put words of its own before the encrypted ones.
            raise ProtocolBroken("bytes came in clear after the server had agreed to TLS")
        self.ready = asyncio.get_running_loop().create_future()
        self.start_tls(options, server_name)
        if self._closed:
            raise ClosedEarly("closed before the TLS handshake")
        try:
            await self.ready
        except ssl.SSLCertVerificationError as error:
            raise UnverifiedCertificate(error) from error

    def leave(self) -> None:
        """Drop the connection and cancel what waits for it."""
        self.abort()
        if not self.ready.done():
            self.ready.cancel()
        elif not self.ready.cancelled():
            self.ready.exception()

    async def _missing(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise ClosedEarly("closed in the middle of the answer" if self._buffer else "closed without an answer")
        self.pause(False)
        await self._something()

    async def _something(self) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        await self._wake

    def _woken(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # Called by TlsProtocol ----------------------------------------------------------------------------------------

    def listening(self) -> bool:
        return not self._closed and self._error is None

    def opened(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def received(self, plain: bytes) -> None:
        self._buffer += plain
        if len(self._buffer) >= _UNREAD_MOST:
            self.pause(True)
        self._woken()

    def ended(self) -> None:
        self._closed = True
        if not self.ready.done():
            self.ready.set_exception(ClosedEarly("closed before anything was sent"))
        self._woken()

    def failed(self, error: Exception) -> None:
        if self._error is None and not self._closed:
            self._error = error
        if not self.ready.done():
            self.ready.set_exception(error)
        self._woken()


@contextlib.asynccontextmanager
async def open_stream(dialer: Dialer, endpoint: Endpoint, trace: Trace) -> AsyncIterator[Stream]:
    """A connected stream for the length of a with statement; the caller owns the deadline.

    Raises what `probes.net.failures.explain` knows, and UnverifiedCertificate with the certificate's fields.
    """
    stream = Stream(trace, endpoint)
    try:
        await dial(dialer, endpoint.host, endpoint.port, lambda: stream, trace)
        try:
            await stream.ready
        except ssl.SSLCertVerificationError as error:
            presented = await unverified(dialer, endpoint, trace)
            raise UnverifiedCertificate(error, presented, endpoint.server_name or endpoint.host) from error
        yield stream
    finally:
        stream.leave()


async def unverified(dialer: Dialer, endpoint: Endpoint, trace: Trace) -> list[Certificate]:
    """The certificates that a server sends, from a second handshake without verification; sends no request."""
    assert endpoint.tls_options is not None
    unverifying = replace(endpoint, tls_options=replace(endpoint.tls_options, verify=False))
    try:
        async with open_stream(dialer, unverifying, Trace(trace.kept)) as stream:
            assert stream.tls is not None
            return certificates.sent(stream.tls)
    except (OSError, Failure):
        return []
