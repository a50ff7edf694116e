"""Bounds of what one region keeps in Redis, and what of it is deleted where it keeps more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

#: Results that consensus may still have to read, or reads again at its start (ms). Older ones wait for the recorder.
UNREAD_MS = 300_000
#: Keys under a region's prefix that no part of Vigil makes.
STRANGE_MOST = 100
#: Connections of one region's workers, of which each has four while it is idle.
CONNECTIONS_MOST = 500


@dataclass(slots=True)
class RegionKeys:
    """Keys of one region with their sizes (bytes), and how many of them no part of Vigil makes."""

    sizes: dict[bytes, int] = field(default_factory=dict)
    strange: set[bytes] = field(default_factory=set)
    #: Its connections, and what Redis holds for them (bytes), such as answers that it does not read.
    connections: int = 0
    held: int = 0

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values()) + self.held


@dataclass(frozen=True, slots=True)
class OverBounds:
    """Regions that keep more than they may: those that are cut and emptied, and those that are not."""

    cut: tuple[str, ...] = ()
    #: Most regions keep too many bytes: the memory is too small, or what they keep is not fetched.
    spared: tuple[str, ...] = ()


def memory_bytes(told: Mapping[str, Any]) -> int:
    """What Redis may use, from the section `memory` of its INFO: its limit, else its machine's memory; 0: unknown."""
    return int(told.get("maxmemory") or 0) or int(told.get("total_system_memory") or 0)


def bound_bytes(memory: int, regions: int) -> int | None:
    """What one of so many regions may keep: together three quarters of the memory, and a sixteenth in any case.

    None where the memory is not known: a bound that is too small would cut regions that are well.
    """
    return max(memory * 3 // 4 // max(1, regions), memory // 16) if memory else None


def is_large(found: RegionKeys, bound: int | None) -> bool:
    """Whether a region keeps more bytes than it may."""
    return bound is not None and found.bytes > bound


def over_bounds(found: Mapping[str, RegionKeys], bound: int | None, enabled: Set[str]) -> OverBounds:
    """The regions that keep more than they may, once their old results are gone.

    One region that makes up keys or connections, or keeps more than the others, is cut. Where more than half of the
    enabled regions keep too many bytes it is no fault of one: none of them is cut, since no check would be left.
    """
    strange = [slug for slug, one in found.items() if _makes_up(one)]
    large = [slug for slug, one in found.items() if is_large(one, bound) and slug not in strange]
    if len(enabled & set(large)) * 2 > len(enabled):
        return OverBounds(tuple(strange), tuple(large))
    return OverBounds((*strange, *large))


def _makes_up(found: RegionKeys) -> bool:
    return len(found.strange) > STRANGE_MOST or found.connections > CONNECTIONS_MOST


def keys_to_delete(found: RegionKeys, bound: int | None) -> list[bytes]:
    """Strange keys, then the largest, until the region keeps half of what it may."""
    own: Mapping[bytes, int] = {key: size for key, size in found.sizes.items() if key not in found.strange}
    doomed, left = sorted(found.strange), sum(own.values())
    for key in sorted(own, key=lambda key: own[key], reverse=True):
        if bound is None or left <= bound // 2:
            break
        doomed.append(key)
        left -= own[key]
    return doomed
