"""Django app of status pages."""

from __future__ import annotations

from django.apps import AppConfig


class StatusConfig(AppConfig):
    name = "vigil.status"
    label = "status"
    verbose_name = "Status pages"

    def ready(self) -> None:
        # The package below names no page: it is told of them once the models are there.
        from vigil.status.as_code.section import register

        register()
