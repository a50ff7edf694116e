"""URL configuration of the web process."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from vigil.web import badges, health, hooks, incidents, login, oncall, respond

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("login/once/<str:token>", login.login_once, name="login-once"),
    path("incidents/<str:public_id>", incidents.incident, name="incident"),
    path("deliveries/<str:public_id>", incidents.digest, name="digest"),
    path("respond/<str:token>", respond.respond, name="respond"),
    path("hooks/<str:channel>", hooks.callback, name="callback"),
    path("oncall/<str:rotation>/<str:key>.ics", oncall.feed, name="oncall-feed"),
    path("badge/<str:code>.<str:kind>", badges.heartbeat, name="badge"),
    path("badge/<str:key>/<str:signature>/<path:tag>.<str:kind>", badges.tag, name="tag-badge"),
    path("api/", include("vigil.api.urls")),
    path("admin/", admin.site.urls),
]
