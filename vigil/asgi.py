"""ASGI application of the web process."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")

from django.core.wsgi import get_wsgi_application

from vigil.configuration import configuration
from vigil.heartbeats.receiving.asgi import AsgiPings
from vigil.web.middleware.admission import Utf8Requests
from vigil.web.serving.server import WebServer
from vigil.web.serving.status_pages import StatusPages

pings = AsgiPings(configuration())
application = WebServer(Utf8Requests(get_wsgi_application()), pings, StatusPages())
