"""Django app of enrolment."""

from __future__ import annotations

from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    name = "vigil.enrolment"
    label = "enrolment"
    verbose_name = "Enrolment of regions"
