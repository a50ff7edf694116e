"""The preload of the control plane's fork server: Django set up, and the modules that its processes need."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
django.setup()

from vigil.configuration import configuration  # noqa: E402 - the settings come first

# Each process has its own environment, such as its health port, and reads it anew.
os.register_at_fork(after_in_child=configuration.cache_clear)
