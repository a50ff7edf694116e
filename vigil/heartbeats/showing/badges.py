"""Badges of heartbeats and tags (a label and one word): SVG, JSON, or the shields.io format. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from vigil.heartbeats.showing.drawn_badges import BAD, GOOD, SILENT, SLOW, DrawnBadge, badge_object, badge_svg

_COLOURS = {"up": GOOD, "running": GOOD, "late": SLOW, "degraded": SLOW, "down": BAD}
#: Worst first.
_ORDER = ("down", "degraded", "late", "running", "up", "new", "paused")
_SIGNATURE_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Badge:
    """A label and a status."""

    label: str
    status: str

    @property
    def drawn(self) -> DrawnBadge:
        return DrawnBadge(self.label, self.status, _COLOURS.get(self.status, SILENT), self.status == "down")


def worst_of(statuses: Iterable[str]) -> str:
    """The worst status of several heartbeats; `new` for none."""
    found = set(statuses)
    return next((status for status in _ORDER if status in found), "new")


def signature(key: str, tag: str) -> str:
    """Signature (HMAC by the team's badge key) that makes a tag's badge address unguessable."""
    return hmac.new(key.encode(), tag.encode(), hashlib.sha256).hexdigest()[:_SIGNATURE_LENGTH]


def is_signed(key: str, tag: str, given: str) -> bool:
    return hmac.compare_digest(signature(key, tag).encode(), given.encode())


def as_object(badge: Badge) -> dict[str, object]:
    return {"label": badge.label, "status": badge.status, "up": badge.status in ("up", "running", "late")}


def as_shields(badge: Badge) -> dict[str, object]:
    """The endpoint schema of shields.io."""
    return badge_object(badge.drawn)


def as_svg(badge: Badge) -> str:
    return badge_svg(badge.drawn)
