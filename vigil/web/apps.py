"""Names the web app for Django; its `admin` package registers the pages of every app."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "vigil.web"
    label = "web"
