"""Admin of what keys may do and spend: headroom, access by region, canaries."""

from __future__ import annotations

from django.contrib import admin

from vigil.access.models import KeyHeadroom, RegionAccess
from vigil.canaries.models import Canary
from vigil.web.admin.pieces import ReadOnlyAdmin

_BY_MONITOR = ("=monitor__public_id", "monitor__name")


@admin.register(KeyHeadroom)
class KeyHeadroomAdmin(ReadOnlyAdmin):
    list_display = ("monitor", "at", "warned", "short")
    list_filter = ("warned", "short", "monitor")
    search_fields = _BY_MONITOR
    list_select_related = ("monitor",)


@admin.register(RegionAccess)
class RegionAccessAdmin(ReadOnlyAdmin):
    list_display = ("host", "provider", "region", "access", "since", "seen_at", "team")
    list_filter = ("access", "team")
    search_fields = ("host", "provider", "region")
    list_select_related = ("team",)


@admin.register(Canary)
class CanaryAdmin(ReadOnlyAdmin):
    """Spending of each canary; money in US dollars."""

    list_display = ("monitor", "month", "spent_dollars", "stopped")
    list_filter = ("monitor",)
    search_fields = _BY_MONITOR
    list_select_related = ("monitor",)
    readonly_fields = ("spent_dollars",)
    hidden = ("spent", "reserved", "last_slot_ms")

    @admin.display(description="spent this month ($)", ordering="spent")
    def spent_dollars(self, canary: Canary) -> str:
        return f"{canary.spent / 1e9:.4f}"
