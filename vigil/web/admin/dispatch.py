"""Admin of the dispatchers' leases, to look at."""

from __future__ import annotations

from django.contrib import admin

from vigil.dispatch.models import Lease
from vigil.web.admin.pieces import ReadOnlyAdmin


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "holder", "epoch", "expires_at")
