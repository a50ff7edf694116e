"""Admin of notices that were told."""

from __future__ import annotations

from django.contrib import admin

from vigil.notices.models import StoredNotice
from vigil.web.admin.pieces import ReadOnlyAdmin


@admin.register(StoredNotice)
class StoredNoticeAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "monitor", "at", "team")
    list_filter = ("kind", "monitor", "team")
    search_fields = ("title", "=public_id")
    list_select_related = ("monitor", "team")
