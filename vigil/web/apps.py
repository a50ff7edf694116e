"""Django app of the web pages; its `admin` package registers the admin of every app."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "vigil.web"
    label = "web"
