"""Facts that explain a state: what the regions, the provider's own feed, the key and the chains say. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from probes.reasons import Reason, Status
from vigil.access.core.region_access import Access


@dataclass(frozen=True, slots=True)
class RegionSight:
    """Last result of one region; `access` is what the region may do at the provider."""

    region: str
    status: Status
    reason: Reason
    detail: str = ""
    access: Access = Access.UNKNOWN


@dataclass(frozen=True, slots=True)
class KeyTrend:
    """What is left of the key's quota: `words` of its tightest one; `short` where it has nothing for others."""

    words: str
    short: bool = False
    used_up: bool = False


@dataclass(frozen=True, slots=True)
class FeedWord:
    """What the provider's own status page says; `titles` of what it has declared and not ended."""

    provider: str
    is_read: bool
    titles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """A monitor that could serve instead."""

    id: str
    name: str
    status: Status
    provider: str = ""
    short: bool = False
    p50_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ChainSight:
    """A fallback chain with this monitor in it; `next` would serve if the one that serves died now."""

    id: str
    name: str
    reason: str
    serving: str | None
    next: str | None
    members: Sequence[Alternative] = ()


@dataclass(frozen=True, slots=True)
class StateFacts:
    """Everything that is known of one monitor. `region` is the one asked about, empty for all.

    `status` is what the regions agreed on, `account` that the provider refuses the key or the request. `sights_known`
    is False while the last results cannot be read.
    """

    id: str
    name: str
    status: Status
    provider: str = ""
    account: bool = False
    paused: bool = False
    flapping: bool = False
    blind: bool = False
    reason: Reason | None = None
    region: str = ""
    sights: Sequence[RegionSight] = ()
    key: KeyTrend | None = None
    feed: FeedWord | None = None
    chains: Sequence[ChainSight] = ()
    same_model: Sequence[Alternative] = ()
    best_offer: str = ""
    sights_known: bool = True
