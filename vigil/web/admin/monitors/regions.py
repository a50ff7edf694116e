"""Admin of regions and of dispatcher leases, with what is heard of them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.dispatch.models import Lease
from vigil.enrolment.ending import forget_region, left_to_do, revoke
from vigil.monitors.live.results import (
    RegionStatuses,
    instant,
    region_quarantines,
    region_shares,
    region_statuses,
)
from vigil.monitors.models import Region
from vigil.web.admin.lists.pages import BoundedListAdmin
from vigil.web.admin.pieces import ReadOnlyAdmin, age


@dataclass(frozen=True, slots=True)
class HeardOfRegions:
    """What Redis says of regions, asked once for a whole list."""

    statuses: RegionStatuses
    shares: Mapping[str, float]
    quarantines: Mapping[str, str]

    def words(self, region: Region) -> str:
        """One line about a region."""
        if not self.statuses.available:
            return "unavailable: Redis does not answer"
        status = self.statuses.by_region.get(region.slug)
        if status is None:
            return "dark: none within 45 s" if region.worker_since else "none yet: waits for its worker"
        heard = age(instant(status.at_ms), timezone.now())
        share = self.shares.get(region.slug, 1.0)
        shed = f", cannot keep up: gets {share:.0%} of its scheduled checks" if share < 1 else ""
        held = self.quarantines.get(region.slug, "")
        shown = f"{heard}, clock {status.clock_offset_ms:+d} ms, {status.in_flight} in flight{shed}"
        return f"{shown}. {held}" if held else shown


def heard_of(regions: Sequence[Region]) -> HeardOfRegions:
    """Three questions to Redis, however many regions there are."""
    return HeardOfRegions(
        region_statuses([region.slug for region in regions if region.slug]), region_shares(), region_quarantines()
    )


@admin.register(Region)
class RegionAdmin(BoundedListAdmin):
    """Places that run checks. `manage.py region add` also makes the worker's key."""

    list_display = ("slug", "name", "domain", "enabled", "egress", "last_status", "worker_since")
    list_filter = ("enabled", "egress")
    search_fields = ("slug", "name", "domain")
    fields = ("slug", "name", "domain", "enabled", "egress", "last_status", "worker_since")
    actions = ("drain", "switch_on", "revoke")

    def get_readonly_fields(self, request: HttpRequest, obj: Region | None = None) -> tuple[str, ...]:
        return ("slug", "last_status", "worker_since") if obj else ("last_status", "worker_since")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        shown = super().get_changelist_instance(request)
        regions = list(shown.result_list)
        heard = heard_of(regions)
        for region in regions:
            region.heard = heard
        shown.result_list = regions
        return shown

    @admin.display(description="last status")
    def last_status(self, region: Region) -> str:
        if not region.slug:
            return "-"
        heard: HeardOfRegions = getattr(region, "heard", None) or heard_of([region])
        return heard.words(region)

    @admin.action(description="Drain: send no more checks", permissions=["change"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Region]) -> None:
        messages.info(request, f"{queryset.filter(enabled=True).update(enabled=False)} drained.")

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Region]) -> None:
        messages.info(request, f"{queryset.filter(enabled=False).update(enabled=True)} switched on.")

    @admin.action(description="Revoke: drain, forget the keys, close the connections", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Region]) -> None:
        for region in queryset:
            left = left_to_do(region, revoke(region))
            messages.warning(request, f"{region} is revoked. {left}".strip())

    def delete_model(self, request: HttpRequest, obj: Region) -> None:
        slug = obj.slug
        obj.delete()
        transaction.on_commit(lambda: forget_region(slug))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Region]) -> None:
        for region in queryset:
            self.delete_model(request, region)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Which dispatcher is active."""

    list_display = ("name", "holder", "epoch", "expires_at")
    search_fields = ("name", "holder")
