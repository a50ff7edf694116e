"""Sets of HTTP status codes as people write them: `200`, `200-299`."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def codes(expected: tuple[str, ...]) -> frozenset[int]:
    """The status codes in ranges like "200" and "200-299"; raises ValueError for anything else."""
    found: set[int] = set()
    for text in expected:
        first, dash, last = text.partition("-")
        if not (first.isascii() and first.isdigit() and (not dash or (last.isascii() and last.isdigit()))):
            raise ValueError(f"{text[:20]!r} is neither a code like 200 nor a range like 200-299")
        low, high = int(first), int(last or first)
        if not 100 <= low <= high <= 999:
            raise ValueError(f"{text[:20]!r} is not within 100 to 999, smaller first")
        found.update(range(low, high + 1))
    return frozenset(found)
