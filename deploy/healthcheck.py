"""Exit 0 when the process of this container answers GET /healthz with 200; the port is VIGIL_HEALTH_PORT."""

import os
import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['VIGIL_HEALTH_PORT']}/healthz", timeout=4) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except (urllib.error.URLError, TimeoutError):
    sys.exit(1)
