"""Admin of every app: adapters from forms to the apps' write paths."""

from __future__ import annotations

from django.contrib import admin

from vigil.web.admin import (
    accounts,
    alerts,
    composites,
    heartbeats,
    history,
    incidents,
    monitors,
    oncall,
    operations,
    routes,
    silences,
)

admin.site.site_header = "Vigil"
admin.site.site_title = "Vigil"
admin.site.index_title = "Monitors and alerting"
admin.site.site_url = None
admin.site.login_template = "web/admin/login.html"

__all__ = [
    "accounts",
    "alerts",
    "composites",
    "heartbeats",
    "history",
    "incidents",
    "monitors",
    "oncall",
    "operations",
    "routes",
    "silences",
]
