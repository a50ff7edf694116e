"""The row-per-ping handler, served as `manage.py run web` serves the pages.

python -m vigil.bench.ping.row_server PORT
"""

from __future__ import annotations

import os
import sys


def main(port: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")

    from django.conf import settings

    settings.ROOT_URLCONF = "vigil.bench.ping.row_handler"

    from django.core.wsgi import get_wsgi_application

    from vigil.asgi import pings
    from vigil.web.serving.http_server import serve
    from vigil.web.serving.server import WebServer
    from vigil.web.serving.status_pages import StatusPages

    serve(WebServer(get_wsgi_application(), pings, StatusPages()), "127.0.0.1", port)


if __name__ == "__main__":
    main(int(sys.argv[1]))
