"""Every address of the web process."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from vigil.web import health, incidents, login

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("login/once/<str:token>", login.login_once, name="login-once"),
    path("incidents/<str:public_id>", incidents.incident, name="incident"),
    path("api/", include("vigil.api.urls")),
    path("admin/", admin.site.urls),
]
