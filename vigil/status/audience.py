"""Audience of a page: whom an update notifies, counted before it is published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from vigil.status.models import PageComponent, StatusPage


@dataclass(frozen=True, slots=True)
class Audience:
    """Confirmed subscribers by their kind, such as `{"mail": 214}`."""

    by_kind: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())


def audience(page: StatusPage, components: Collection[PageComponent]) -> Audience:
    """Who is notified of an update about these components of a page; about the page as a whole where there are none."""
    return Audience()
