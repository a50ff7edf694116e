"""Badges of heartbeats and tags (a label and one word): SVG, JSON, or the shields.io format. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

MAX_LABEL = 60
_COLOURS = {"up": "#2e7d32", "running": "#2e7d32", "late": "#b26a00", "down": "#c62828", "new": "#6b6b6b"}
#: Worst first.
_ORDER = ("down", "degraded", "late", "running", "up", "new", "paused")
_SIGNATURE_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Badge:
    """A label and a status."""

    label: str
    status: str

    @property
    def colour(self) -> str:
        return _COLOURS.get(self.status, "#b26a00" if self.status == "degraded" else "#6b6b6b")


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
    return {"schemaVersion": 1, "label": badge.label, "message": badge.status, "color": badge.colour}


def as_svg(badge: Badge) -> str:
    label, status = badge.label[:MAX_LABEL], badge.status
    left, right = _width(label), _width(status)
    whole = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" '
        f'aria-label="{escape(label)}: {escape(status)}"><title>{escape(label)}: {escape(status)}</title>'
        f'<rect width="{whole}" height="20" rx="3" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" rx="3" fill="{badge.colour}"/>'
        f'<rect x="{left}" width="4" height="20" fill="{badge.colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(status)}</text></g></svg>'
    )


def _width(text: str) -> int:
    return round(len(text) * 6.8) + 12
