"""Periodic duties of a process loop, by name: each is due at once, then once an interval."""

from __future__ import annotations

import time
from collections.abc import Callable


class Duties:
    """When each duty of one loop is due next. `clock` gives seconds that never run backwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due_s: dict[str, float] = {}

    def is_due(self, name: str, every_s: float) -> bool:
        """Whether `name` is due; if so, it is due again `every_s` seconds from now."""
        now_s = self._clock()
        if now_s < self._due_s.get(name, now_s):
            return False
        self._due_s[name] = now_s + every_s
        return True

    def do(self, name: str, every_s: float, work: Callable[[], object]) -> None:
        """Do `work` if `name` is due; after one that raises it is due again at once."""
        if self.is_due(name, every_s):
            try:
                work()
            except BaseException:
                self.make_due(name)
                raise

    def make_due(self, name: str) -> None:
        """Make one duty due at once."""
        self._due_s.pop(name, None)

    def make_all_due(self) -> None:
        """Make every duty due at once, as after a reconnection."""
        self._due_s.clear()
