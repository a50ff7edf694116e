"""Django app of offers."""

from __future__ import annotations

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "vigil.offers"
    label = "offers"
    verbose_name = "Offers of gateways"
