"""ASGI application of the web process; its process ends with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Ask Linux for SIGTERM when the main process (pid in VIGIL_WEB_PARENT) is gone, even before this line."""
    parent = os.environ.get("VIGIL_WEB_PARENT")
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(1)


_end_with_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the parent may be gone already

from probes.process import logs, sentry  # noqa: E402
from vigil.configuration import configuration  # noqa: E402
from vigil.heartbeats.receiving.asgi import AsgiPings  # noqa: E402
from vigil.web.admission import Utf8Requests  # noqa: E402
from vigil.web.server import WebServer  # noqa: E402

logs.configure("web")
_dsn = configuration().sentry_dsn
sentry.configure(_dsn.get_secret_value() if _dsn else "", "web")
application = WebServer(Utf8Requests(get_wsgi_application()), AsgiPings(configuration()))
