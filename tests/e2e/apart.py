"""A network namespace for a program: leaves this one, has one wire to the hub of the test, and becomes the program.

    apart.py SOCKET ADDRESS COMMAND...

The wire is a TUN device whose file descriptor is passed to the hub over a Unix socket: whatever the hub does not carry
does not arrive. Namespace and device are gone with the program, however it ends. No program of the system is needed.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

HUB = "10.77.0.1"
MASK = "255.255.255.0"
DEVICE = "wire0"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_TUNSETIFF, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_UP_AND_RUNNING = 0x41


class NotPermitted(Exception):
    """This machine lets us have no network namespace, or no wire; the text says which."""


def leave() -> None:
    """Move this process into a network namespace of its own, with nothing but loopback. Raises NotPermitted."""
    flags, user, group = _CLONE_NEWNET, os.geteuid(), os.getegid()
    if user != 0:
        flags |= _CLONE_NEWUSER
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise NotPermitted(f"a network namespace is not permitted: {os.strerror(ctypes.get_errno())}")
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as written:
                written.write(text)
    _set("lo", _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP_AND_RUNNING))


def open_wire(address: str) -> int:
    """One end of a wire, in this namespace, under an address; returns the other end. Raises NotPermitted."""
    try:
        other = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        name = DEVICE.encode()
        fcntl.ioctl(other, _TUNSETIFF, struct.pack("16sH22x", name, _TUN_WITHOUT_HEADER))
        name_it(DEVICE, address)
        _set(DEVICE, _SIOCSIFFLAGS, struct.pack("16sH14x", name, _UP_AND_RUNNING))
    except OSError as error:
        raise NotPermitted(f"a TUN device is not permitted: {error.strerror}") from error
    return other


def name_it(device: str, address: str) -> None:
    """Give a device (or its alias, like wire0:1) an address."""
    for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, MASK)):
        inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
        _set(device, request, struct.pack("16s16s8x", device.encode(), inet))


def _set(device: str, request: int, argument: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, request, argument)


def main() -> None:
    hub, address, *command = sys.argv[1:]
    leave()
    wire = open_wire(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.connect(hub)
        socket.send_fds(channel, [address.encode()], [wire])
    os.close(wire)
    # Redis is where the hub is: the worker's own loopback leads nowhere.
    os.environ["VIGIL_REDIS_URL"] = os.environ["VIGIL_REDIS_URL"].replace("127.0.0.1", HUB)
    os.environ["VIGIL_REDIS_PLAINTEXT"] = "private-network"
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
