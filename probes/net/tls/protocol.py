"""asyncio protocol with optional TLS: its subclasses see plain bytes in both directions.

TLS runs over memory buffers and not in the loop: so the handshake can be timed, and the server's chain can be read.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from probes.net.failures import HandshakeCut
from probes.net.tls import certificates
from probes.net.tls.options import TlsOptions
from probes.net.trace import Keepsake, Trace

_READ_BYTES = 65_536


class TlsProtocol(asyncio.Protocol):
    """Subclasses hear `opened`, then `received` with plain bytes, then `ended` or `failed`, and may `send`."""

    __slots__ = ("_incoming", "_outgoing", "_secured", "_trace", "_transport", "tls")

    def __init__(self, trace: Trace, options: TlsOptions | None, server_name: str) -> None:
        self._trace = trace
        self._transport: asyncio.Transport | None = None
        self._secured = options is None
        self.tls: ssl.SSLObject | None = None
        if options is not None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = certificates.context(options).wrap_bio(
                self._incoming, self._outgoing, server_hostname=server_name
            )

    def start_tls(self, options: TlsOptions, server_name: str) -> None:
        """Begin TLS on a connection that is open already; `opened` is called again when it is secured."""
        self._secured = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = certificates.context(options).wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._trace.begin("tls")
        if self._transport is not None:
            self._shake_hands()

    def opened(self) -> None:
        """Bytes may flow: connected, and secured when asked for."""
        raise NotImplementedError

    def received(self, plain: bytes) -> None:
        raise NotImplementedError

    def ended(self) -> None:
        """The other side closed; may come more than once."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """The connection broke; may come more than once, and after `ended`."""
        raise NotImplementedError

    def listening(self) -> bool:
        """Whether received bytes are still wanted."""
        raise NotImplementedError

    def send(self, plain: bytes) -> None:
        """Send bytes; drop them when the connection is gone."""
        if self._transport is None:
            return
        if self.tls is not None:
            self.tls.write(plain)
            plain = self._outgoing.read()
        self._transport.write(plain)

    def abort(self) -> None:
        """Drop the connection in any state; nothing can be sent afterwards."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def pause(self, paused: bool) -> None:
        """Pause or resume reading from the network."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    # Called by the loop -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not declared as asyncio's, but behave like them.
        self._transport = cast(asyncio.Transport, transport)
        self._trace.connected()
        try:
            if self.tls is not None:
                self._trace.begin("tls")
                self._shake_hands()
            else:
                self.opened()
        except Exception as error:  # noqa: BLE001 - the loop would only log it, and the check hang to its deadline
            self.failed(error)

    def data_received(self, data: bytes) -> None:
        if not self.listening():
            return
        if self.tls is None:
            self.received(data)
            return
        self._incoming.write(data)
        if not self._secured:
            self._shake_hands()
        if self._secured and self.listening():
            self._decrypt()

    def eof_received(self) -> bool:
        self._over()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if error is not None:
            self.failed(error)
        else:
            self._over()

    def _over(self) -> None:
        if self._secured:
            self.ended()
        else:
            self.failed(HandshakeCut("closed during the TLS handshake"))

    def _shake_hands(self) -> None:
        assert self.tls is not None
        assert self._transport is not None
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self._transport.write(self._outgoing.read())
            return
        except ssl.SSLError as error:
            self._transport.write(self._outgoing.read())
            self.failed(error)
            return
        self._secured = True
        self._trace.secured()
        if self._trace.kept is not None:
            self._keep(self.tls, self._trace.kept)
        self.opened()
        # The last message of the handshake was sent with the first bytes of `opened`, unless that sent nothing.
        rest = self._outgoing.read()
        if rest and self._transport is not None:
            self._transport.write(rest)
        if self._transport is not None and self._outgoing.pending:
            # A client that only listens still has to send the end of the handshake.
            self._transport.write(self._outgoing.read())

    def _keep(self, tls: ssl.SSLObject, kept: Keepsake) -> None:
        cipher = tls.cipher()
        kept.chain = certificates.presented(tls)
        words = (tls.version(), cipher[0] if cipher else None, tls.selected_alpn_protocol())
        kept.tls = [word for word in words if word]

    def _decrypt(self) -> None:
        assert self.tls is not None
        try:
            while self.listening():
                plain = self.tls.read(_READ_BYTES)
                if not plain:
                    self.ended()
                    return
                self.received(plain)
        except ssl.SSLWantReadError:
            # Messages of TLS itself: a key update, a client certificate requested after the handshake.
            if self._outgoing.pending and self._transport is not None:
                self._transport.write(self._outgoing.read())
        except ssl.SSLZeroReturnError:
            self.ended()
        except ssl.SSLError as error:
            self.failed(error)
