"""The row-per-ping handler, served as `manage.py run web` serves the pages.

python -m vigil.bench.ping.row_server PORT
"""

from __future__ import annotations

import os
import sys
from typing import Any


def application(environ: dict[str, Any], start_response: Any) -> Any:
    return _application()(environ, start_response)


def _application() -> Any:
    global _ready
    if _ready is None:
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application

        settings.ROOT_URLCONF = "vigil.bench.ping.row_handler"
        _ready = get_wsgi_application()
    return _ready


_ready: Any = None


def main(port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    Granian(
        "vigil.bench.ping.row_server:application",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=8,
        backlog=1024,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
