"""The preload of the control plane's fork server: Django set up, and the modules that its processes need."""

from __future__ import annotations

import importlib
import os

import django

#: By name, since they stand above this package. The pages are not among them: one process alone serves them, and the
#: others would wait.
_MODULES = (
    "probes.queue.sender",
    "vigil.dispatch.bus",
    "vigil.dispatch.region_keeper",
    "vigil.dispatch.service",
    "vigil.dispatch.watch",
    "vigil.ingest",
    "vigil.history.recording.service",
    "vigil.heartbeats.service",
    "vigil.alerts.delivery.service",
    "vigil.witness",
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
django.setup()

from vigil.configuration import configuration  # noqa: E402 - the settings come first

for module in _MODULES:
    importlib.import_module(module)

# Each process has its own environment, such as its health port, and reads it anew.
os.register_at_fork(after_in_child=configuration.cache_clear)
