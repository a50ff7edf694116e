"""Admin of enrolment: codes, the Redis access of each region, and new regions in shadow; no secret is shown."""

from __future__ import annotations

from django.contrib import admin

from vigil.enrolment.models import EnrolmentCode, RedisAccess, RegionShadow
from vigil.web.admin.pieces import ReadOnlyAdmin


@admin.register(EnrolmentCode)
class EnrolmentCodeAdmin(ReadOnlyAdmin):
    """A code ends with its hour, or when its region is revoked."""

    list_display = ("prefix", "region", "created_at", "expires_at", "used_at", "used_from", "failures", "refused_at")
    list_filter = ("region",)
    search_fields = ("=prefix", "=region__slug")
    list_select_related = ("region",)
    hidden = ("sha256",)


@admin.register(RedisAccess)
class RedisAccessAdmin(ReadOnlyAdmin):
    list_display = ("region", "revision", "previous_until")
    search_fields = ("region__slug",)
    list_select_related = ("region",)


@admin.register(RegionShadow)
class RegionShadowAdmin(ReadOnlyAdmin):
    list_display = ("region", "agreed", "voting_since")
    search_fields = ("region__slug",)
    list_select_related = ("region",)
