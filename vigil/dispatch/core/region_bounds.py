"""Bounds of what one region keeps in Redis, and what of it is deleted where it keeps more. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Without `maxmemory` (bytes).
_UNLIMITED_BYTES = 1024**3
#: Keys under a region's prefix that no part of Vigil makes.
STRANGE_MOST = 100


@dataclass(slots=True)
class RegionKeys:
    """Keys of one region with their sizes (bytes), and how many of them no part of Vigil makes."""

    sizes: dict[bytes, int] = field(default_factory=dict)
    strange: set[bytes] = field(default_factory=set)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())


def bound_bytes(maxmemory: int, regions: int) -> int:
    """What one of so many regions may keep: together three quarters of the memory, and a sixteenth in any case."""
    if not maxmemory:
        return _UNLIMITED_BYTES
    return max(maxmemory * 3 // 4 // max(1, regions), maxmemory // 16)


def is_over(found: RegionKeys, bound: int) -> bool:
    """Whether a region keeps more than it may."""
    return found.bytes > bound or len(found.strange) > STRANGE_MOST


def keys_to_delete(found: RegionKeys, bound: int) -> list[bytes]:
    """Strange keys, then the largest, until the region keeps half of what it may."""
    doomed, left = sorted(found.strange), found.bytes - sum(found.sizes.get(key, 0) for key in found.strange)
    own: Mapping[bytes, int] = {key: size for key, size in found.sizes.items() if key not in found.strange}
    for key in sorted(own, key=lambda key: own[key], reverse=True):
        if left <= bound // 2:
            break
        doomed.append(key)
        left -= own[key]
    return doomed
