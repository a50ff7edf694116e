"""The network between the regions of a test and everything else: carries every packet, or loses it, or is slow.

Each region has one wire to the hub. What it carries is decided here, packet by packet, so that no traffic control of
the kernel is needed, and nothing that is done to a wire touches another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.apart import DEVICE, HUB, name_it, open_wire

_PACKET_MOST = 65_536
_TCP = 6


@dataclass(frozen=True, slots=True)
class Harm:
    """What is done to a wire, in both directions; `delay_s` towards the region only, so that it is added once a turn.

    `ports` are cut; with `cut` everything is.
    """

    cut: bool = False
    ports: frozenset[int] = frozenset()
    loss: float = 0.0
    delay_s: float = 0.0


UNHARMED = Harm()


class Wires:
    """The hub. Open it in the namespace where Redis and the targets are: they are reached under `HUB` and `more`."""

    def __init__(self, folder: Path, more: Collection[str] = ()) -> None:
        self.socket_path = str(folder / "hub")
        self._loop = asyncio.get_running_loop()
        self._chance = random.Random(7)
        self._harms: dict[str, Harm] = {}
        self._wires: dict[str, int] = {}
        self._own = open_wire(HUB)
        self._own_addresses = {HUB, *more}
        for number, address in enumerate(more, start=1):
            name_it(f"{DEVICE}:{number}", address)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.socket_path)
        self._listener.listen(32)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._welcome)
        self._loop.add_reader(self._own, self._from_hub)

    def harm(self, addresses: Collection[str], harm: Harm) -> None:
        """Do this to the wires of these addresses from now on."""
        for address in addresses:
            self._harms[address] = harm

    def mend(self) -> None:
        self._harms.clear()

    def close(self) -> None:
        for descriptor in (self._listener.fileno(), self._own, *self._wires.values()):
            self._loop.remove_reader(descriptor)
        self._listener.close()
        for descriptor in (self._own, *self._wires.values()):
            os.close(descriptor)

    def _welcome(self) -> None:
        """A region's wire has arrived; one that was there before belonged to a worker that is gone."""
        with contextlib.suppress(BlockingIOError):
            channel, _ = self._listener.accept()
            with channel:
                channel.settimeout(5)
                name, descriptors, _, _ = socket.recv_fds(channel, 64, 1)
            address = name.decode()
            self._forget(address)
            self._wires[address] = descriptors[0]
            os.set_blocking(descriptors[0], False)
            self._loop.add_reader(descriptors[0], self._from_region, address)

    def _forget(self, address: str) -> None:
        before = self._wires.pop(address, None)
        if before is not None:
            self._loop.remove_reader(before)
            os.close(before)

    def _from_hub(self) -> None:
        for packet in _packets(self._own):
            address = socket.inet_ntoa(packet[16:20])
            if address in self._wires:
                self._carry(packet, address, address)

    def _from_region(self, address: str) -> None:
        wire = self._wires[address]
        try:
            for packet in _packets(wire):
                if socket.inet_ntoa(packet[16:20]) in self._own_addresses:
                    self._carry(packet, address, HUB)
        except OSError:
            # The namespace is gone, and its device with it.
            self._forget(address)

    def _carry(self, packet: bytes, region: str, to: str) -> None:
        harm = self._harms.get(region, UNHARMED)
        if harm.cut or (harm.ports and _ports(packet) & harm.ports) or self._chance.random() < harm.loss:
            return
        if harm.delay_s and to != HUB:
            self._loop.call_later(harm.delay_s, self._deliver, packet, to)
        else:
            self._deliver(packet, to)

    def _deliver(self, packet: bytes, to: str) -> None:
        wire = self._own if to == HUB else self._wires.get(to)
        if wire is not None:
            # A full queue or a device that is gone loses the packet, as a wire would.
            with contextlib.suppress(OSError):
                os.write(wire, packet)


def _packets(wire: int) -> list[bytes]:
    """What waits on a wire now; IPv4 alone."""
    found: list[bytes] = []
    with contextlib.suppress(BlockingIOError):
        while len(found) < 200:
            packet = os.read(wire, _PACKET_MOST)
            if len(packet) >= 20 and packet[0] >> 4 == 4:
                found.append(packet)
    return found


def _ports(packet: bytes) -> frozenset[int]:
    """Both ports of a TCP packet."""
    header = (packet[0] & 15) * 4
    if packet[9] != _TCP or len(packet) < header + 4:
        return frozenset()
    return frozenset(struct.unpack("!HH", packet[header : header + 4]))
