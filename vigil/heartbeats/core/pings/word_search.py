"""Search for keywords in what is not kept of a body, as it streams by. Pure."""

from __future__ import annotations

from collections.abc import Sequence


class WordSearch:
    """Words that were in the pieces fed so far; holds no more than the longest of them."""

    def __init__(self, words: Sequence[bytes]) -> None:
        self._wanted = [word for word in words if word]
        self._overlap = max(map(len, self._wanted), default=1) - 1
        self._tail = b""
        self._found: list[bytes] = []

    def feed(self, piece: bytes) -> None:
        if not self._wanted:
            return
        text = self._tail + piece
        found = [word for word in self._wanted if word in text]
        if found:
            self._found += found
            self._wanted = [word for word in self._wanted if word not in found]
        self._tail = text[-self._overlap :] if self._overlap else b""

    @property
    def found(self) -> bytes:
        """The words, a line each."""
        return b"\n".join(self._found)


def heard_behind(body: bytes, cut: int, words: Sequence[bytes]) -> bytes:
    """Words of a body that are not whole in its first `cut` bytes."""
    if len(body) <= cut:
        return b""
    return b"\n".join(word for word in words if word and word in body and word not in body[:cut])
