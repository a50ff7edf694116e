"""Limits on guessing: token buckets of failed attempts, by account and by client address, in bounded memory.

They are in the memory of each web process: no server that is away opens or closes them.
"""

from __future__ import annotations

import hashlib
import threading
import time

from vigil.heartbeats.core.rate_limit import Rates

REMEMBERED = 50_000
#: Failures at once, and one more each so many seconds: of one account, and from one address.
ACCOUNT_BURST, ACCOUNT_PER_S = 10.0, 1 / 30
ADDRESS_BURST, ADDRESS_PER_S = 100.0, 1 / 2


class GuessLimits:
    """What was guessed wrongly of late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._accounts = Rates(ACCOUNT_BURST, ACCOUNT_PER_S, REMEMBERED)
        self._addresses = Rates(ADDRESS_BURST, ADDRESS_PER_S, REMEMBERED)

    def wait_s(self, address: str, account: str = "") -> float:
        """Seconds until the next attempt is taken; 0 for now."""
        with self._lock:
            now_s = time.monotonic()
            of_account = self._accounts.wait_s(_key(account), now_s) if account else 0.0
            return max(of_account, self._addresses.wait_s(_key(address), now_s))

    def failed(self, address: str, account: str = "") -> float:
        """Count a wrong attempt; returns the seconds to wait when there were too many, else 0."""
        with self._lock:
            now_s = time.monotonic()
            of_account = self._accounts.admit(_key(account), now_s) if account else 0.0
            return max(of_account, self._addresses.admit(_key(address), now_s))


def _key(text: str) -> str:
    """A key of one length: what is guessed is a stranger's, and may be long."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


#: Of this process: passwords; and secrets in addresses and headers, which are too long to be guessed.
PASSWORDS, SECRETS = GuessLimits(), GuessLimits()
