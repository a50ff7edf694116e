"""Whether an address is this host's own: a public region must not reach services that only this host can reach."""

from __future__ import annotations

import ipaddress
import socket
import time
from functools import lru_cache

#: How long an answer is kept (s): a host may be given another address.
_KEPT_S = 60
_DISCARD = 9


def is_own(address: str) -> bool:
    """Whether packets to this address, a literal, stay on this host. Sends none.

    What a network translates to this host is not among its addresses, and cannot be known here.
    """
    return _is_own(address, int(time.monotonic() / _KEPT_S))


@lru_cache(maxsize=8192)
def _is_own(address: str, period: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            plain = str(ipaddress.ip_address(address.partition("%")[0]))
            # This only chooses a route. Towards itself, a host's source is the address that it goes to.
            asking.connect((plain, _DISCARD))
            return bool(asking.getsockname()[0] == plain)
        except (OSError, ValueError):
            return False
