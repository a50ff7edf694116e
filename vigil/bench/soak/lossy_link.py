"""Lossy link: a TCP proxy that delays, holds back, cuts short and resets what passes it, by a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass

#: What is sent again comes after one of these (s), as TCP doubles its waits.
_AGAIN_S = (0.2, 0.6, 1.4)
#: Of what is lost, so much is not sent again but ends the connection.
_FATAL = 0.25
_CHUNK = 1_460
#: Without losses there is no need for segments, and a delay would hold up each of them.
_CHUNK_UNHARMED = 65_536


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of segments that are lost, 0 to 1, and the seed that chooses them."""

    share: float
    seed: int = 1


class LossyLink:
    """Listens on loopback and passes on to one port there; `port` is known once `open` has returned."""

    def __init__(self, target_port: int, loss: Loss) -> None:
        self._target_port = target_port
        self._random = random.Random(loss.seed)
        self.loss = loss.share
        #: What passes is so much later (s).
        self.delay_s = 0.0
        self.port = 0
        self._whole = asyncio.Event()
        self._whole.set()
        self.lost = self.resets = 0
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Let nothing pass from now on, and say so to nobody: a partition."""
        self._whole.clear()

    def mend(self) -> None:
        """Let what waits pass, and all that follows."""
        self._whole.set()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        for end in self._ends:
            end.transport.abort()
        # A transport is closed at the loop's next turn.
        await asyncio.sleep(0)

    async def _connect(self, near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            far, far_end = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            self._reset(near_end)
            return
        self._ends |= {near_end, far_end}
        for reader, writer in ((near, far_end), (far, near_end)):
            task = asyncio.create_task(self._pass(reader, writer, (near_end, far_end)))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: tuple[asyncio.StreamWriter, ...]
    ) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while chunk := await reader.read(_CHUNK if self.loss else _CHUNK_UNHARMED):
                await self._whole.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self._random.random() < self.loss:
                    self.lost += 1
                    if self._random.random() < _FATAL:
                        writer.write(chunk[: len(chunk) // 2])
                        break
                    await asyncio.sleep(self._random.choice(_AGAIN_S))
                writer.write(chunk)
                await writer.drain()
        for end in ends:
            self._reset(end)

    def _reset(self, end: asyncio.StreamWriter) -> None:
        """Close with a reset, as a router or a dead peer does, and not with a farewell."""
        self.resets += 1
        self._ends.discard(end)
        wire = end.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.transport.abort()
