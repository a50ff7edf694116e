"""Which worker processes were heard in each region, so that one that has just been started is seen."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from django.db.models.functions import Now

from probes import wire
from vigil.monitors.models import Region

#: What a worker calls itself; anything else is not written down.
_BOOT = re.compile(r"[0-9a-f]{32}")
#: Of several workers in one region, so many take turns unnoticed.
_KNOWN_MOST = 16


class Workers:
    """Takes the regions' statuses as they are found, and writes down when another process begins to be heard."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def hear(self, statuses: Mapping[str, bytes | None]) -> None:
        """Take the status of each region that has one; one that cannot be read is left out."""
        for slug, payload in statuses.items():
            boot = _boot(payload)
            if not boot or boot in self._known_of(slug):
                continue
            self._known[slug] = [*self._known_of(slug), boot][-_KNOWN_MOST:]
            Region.objects.filter(slug=slug).update(worker_boot=boot, worker_since=Now())

    def _known_of(self, slug: str) -> list[str]:
        if slug not in self._known:
            stored = Region.objects.filter(slug=slug).values_list("worker_boot", flat=True).first()
            self._known[slug] = [stored] if stored else []
        return self._known[slug]


def _boot(payload: bytes | None) -> str:
    """The process that a status names; a region may write anything there."""
    if payload is None:
        return ""
    try:
        boot = wire.decode_status(payload).boot
    except msgspec.DecodeError:
        return ""
    return boot if _BOOT.fullmatch(boot) else ""
