"""Limits on guessing: token buckets of failed attempts, by account and by client address, in bounded memory.

They are in the memory of each web process: no server that is away opens or closes them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable

from vigil.heartbeats.core.rate_limit import Rates

REMEMBERED = 50_000
#: Failures at once, and one more each so many seconds: of one account, and from one address.
ACCOUNT_BURST, ACCOUNT_PER_S = 10.0, 1 / 30
ADDRESS_BURST, ADDRESS_PER_S = 100.0, 1 / 2
#: The same of one page, from all addresses together.
PAGE_BURST, PAGE_PER_S = 300.0, 1.0
#: Of IPv6, what one client is given.
_NETWORK_BITS = 64


class GuessLimits:
    """What was guessed wrongly of late; `of_address` is the burst of one address, and its attempts a second."""

    def __init__(self, of_address: tuple[float, float] = (ADDRESS_BURST, ADDRESS_PER_S)) -> None:
        self._of_address = of_address
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._accounts = Rates(ACCOUNT_BURST, ACCOUNT_PER_S, REMEMBERED)
        self._addresses = Rates(*self._of_address, REMEMBERED)
        self._pages = Rates(PAGE_BURST, PAGE_PER_S, REMEMBERED)

    def wait_s(self, address: str, account: str = "", page: str = "") -> float:
        """Seconds until the next attempt is taken; 0 for now."""
        return self._longest(Rates.wait_s, address, account, page)

    def failed(self, address: str, account: str = "", page: str = "") -> float:
        """Count a wrong attempt; returns the seconds to wait when there were too many, else 0."""
        return self._longest(Rates.admit, address, account, page)

    def _longest(self, of: Callable[[Rates, str, float], float], address: str, account: str, page: str) -> float:
        counted = [(self._addresses, network_of(address))]
        counted += [(rates, key) for rates, key in ((self._accounts, account), (self._pages, page)) if key]
        with self._lock:
            now_s = time.monotonic()
            return max(of(rates, _key(key), now_s) for rates, key in counted)


def network_of(address: str) -> str:
    """What one client can choose its address from: of IPv6 its network, else the address itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), _NETWORK_BITS), strict=False))


def _key(text: str) -> str:
    """A key of one length: what is guessed is a stranger's, and may be long."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


#: Of this process: passwords; and secrets in addresses and headers, which are too long to be guessed.
PASSWORDS, SECRETS = GuessLimits(), GuessLimits()
#: Of status pages: who guesses theirs takes no attempt from the login.
PAGE_PASSWORDS = GuessLimits()
#: Requests to subscribe, right or wrong: each costs a row, and may cause a letter to somebody else.
SUBSCRIBING = GuessLimits((20.0, 1 / 60))
