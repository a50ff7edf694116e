"""A proxy before Redis that records every command of its clients, and can cut them off or keep answers back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import defaultdict

_PIECE = 65_536


class RecordingProxy:
    """Listens on a loopback port of its own, from its start until `close`."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._sent: dict[int, bytearray] = defaultdict(bytearray)
        self._open: list[socket.socket] = []
        self._passes = threading.Event()
        self._passes.set()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def commands(self) -> list[list[bytes]]:
        """Every whole command so far, as lists of words."""
        return [command for sent in list(self._sent.values()) for command in _read(bytes(sent))]

    def cut(self) -> None:
        """End every connection, and each new one at once."""
        self._is_cut = True
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._is_cut = False

    def hold(self) -> None:
        """Keep the answers of Redis back."""
        self._passes.clear()

    def release(self) -> None:
        self._passes.set()

    def close(self) -> None:
        self.release()
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._to_port))
                sent = self._sent[len(self._sent)]
                self._open += [client, server]
                threading.Thread(target=self._carry, args=(client, server, sent), daemon=True).start()
                threading.Thread(target=self._carry, args=(server, client, None), daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket, sent: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                if sent is None:
                    self._passes.wait()
                else:
                    sent += piece
                to.sendall(piece)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)


def _read(sent: bytes) -> list[list[bytes]]:
    """The whole commands in what one connection sent: arrays of strings, each with its length."""
    found: list[list[bytes]] = []
    at = 0
    while (end := sent.find(b"\r\n", at)) > 0:
        assert sent[at : at + 1] == b"*", sent[at : at + 40]
        words, count, at = [], int(sent[at + 1 : end]), end + 2
        for _ in range(count):
            end = sent.find(b"\r\n", at)
            if end < 0:
                return found
            begin, length = end + 2, int(sent[at + 1 : end])
            if len(sent) < begin + length + 2:
                return found
            words.append(sent[begin : begin + length])
            at = begin + length + 2
        found.append(words)
    return found
