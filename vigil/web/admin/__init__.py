"""Admin of every app: adapters from forms to the apps' write paths."""

from __future__ import annotations

from django.contrib import admin

from vigil.web.admin import (
    accounts,
    alerts,
    heartbeats,
    history,
    incidents,
    oncall,
    operations,
    routes,
    silences,
    status_pages,
)
from vigil.web.admin.monitors import composites, pages, regions
from vigil.web.admin.records import (
    audit,
    code,
    enrolment,
    incident_rows,
    keys,
    notices,
    public_incidents,
    subscribers,
    watched,
)

admin.site.site_header = "Vigil"
admin.site.site_title = "Vigil"
admin.site.index_title = "Monitors and alerting"
admin.site.site_url = None
admin.site.login_template = "web/admin/login.html"

__all__ = [
    "accounts",
    "alerts",
    "audit",
    "code",
    "composites",
    "enrolment",
    "heartbeats",
    "history",
    "incident_rows",
    "incidents",
    "keys",
    "notices",
    "oncall",
    "operations",
    "pages",
    "public_incidents",
    "regions",
    "routes",
    "silences",
    "status_pages",
    "subscribers",
    "watched",
]
