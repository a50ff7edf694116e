"""Connections to several addresses of one name, each begun a little after the one before (RFC 8305).

The first that succeeds is taken. A dead address costs a quarter of a second, whatever it does with packets.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from probes.net.trace import Trace

T = TypeVar("T")
#: The next address is tried after this (s), or at once when one has failed.
STAGGER_S = 0.25
#: When every address was tried and one has refused, the others have this long to do better (s).
LAST_WAIT_S = 2.0
#: More addresses of one name than this are not tried.
ADDRESSES_MOST = 60
#: Errors of this machine's own network: they say less of the target than any other.
_OWN = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EHOSTUNREACH, errno.ENETDOWN})


def interleaved(addresses: Sequence[str]) -> list[str]:
    """The addresses with their families in turn, that of the first one first, so that one dead family costs little."""
    first = [address for address in addresses if (":" in address) == (":" in addresses[0])]
    others = [address for address in addresses if (":" in address) != (":" in addresses[0])]
    pairs = [each for pair in zip(first, others, strict=False) for each in pair]
    shorter = min(len(first), len(others))
    return (pairs + first[shorter:] + others[shorter:])[:ADDRESSES_MOST]


async def first_success(addresses: Sequence[str], attempt: Callable[[str], Awaitable[T]], trace: Trace) -> T:
    """What `attempt` gives for the first address that does; raises the OSError that says most when none does.

    `trace` gets the address that succeeded, and those passed over. The caller owns the deadline; `attempt` frees what
    it holds when it is cancelled.
    """
    waiting = interleaved(addresses)
    running: dict[asyncio.Future[T], str] = {}
    failed: list[tuple[OSError, str]] = []
    try:
        while True:
            if waiting:
                address = trace.address = waiting.pop(0)
                running[asyncio.ensure_future(attempt(address))] = address
            elif not running:
                raise _most_telling(failed, trace)
            refused = any(_silence(error) == 0 for error, _ in failed)
            wait_s = STAGGER_S if waiting else LAST_WAIT_S if refused else None
            done, _ = await asyncio.wait(running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if not done and not waiting:
                raise _most_telling(failed, trace)
            for task in done:
                address = running.pop(task)
                try:
                    result = task.result()
                except OSError as error:
                    failed.append((error, address))
                else:
                    trace.address = address
                    trace.passed_over = ", ".join(each for each in [*(one[1] for one in failed), *running.values()])
                    return result
    finally:
        for task in running:
            if not task.cancel() and not task.cancelled() and task.exception() is None:
                _release(task.result())


async def connected(address: str, port: int, source: tuple[str, int] | None) -> socket.socket:
    """A connected socket; raises OSError."""
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        if source is not None:
            made.bind(source)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


def _most_telling(failed: list[tuple[OSError, str]], trace: Trace) -> OSError:
    error, trace.address = min(failed, key=lambda one: _silence(one[0]))
    return error


def _silence(error: OSError) -> int:
    """How little an error says of the target."""
    if isinstance(error, TimeoutError):
        return 1
    if error.errno in (errno.EPERM, errno.EACCES):
        return 2
    return 3 if error.errno in _OWN else 0


def _release(result: object) -> None:
    if isinstance(result, socket.socket):
        with contextlib.suppress(OSError):
            result.close()
