"""Exit 0 when the process of this container answers GET /healthz with 200; the port is VIGIL_HEALTH_PORT.

  healthcheck.py          is it ready, and does its main loop turn? (readiness, HEALTHCHECK)
  healthcheck.py live     does it answer at all, also while a server is away? (liveness)

A process that stands still ends itself. One that was stopped (SIGSTOP) cannot, so this ends it, where an init is the
first process of the container (`init: true`); then the container is started again. Outside a container it ends nothing.
"""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

STOPPED_S = 2.0


def main() -> int:
    path = "livez" if sys.argv[1:] == ["live"] else "healthz"
    # Docker may put a proxy into the environment of every container.
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with directly.open(f"http://127.0.0.1:{os.environ['VIGIL_HEALTH_PORT']}/{path}", timeout=2) as answer:
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        end_stopped()
        return 1


def end_stopped() -> None:
    """End the process of this container if it is stopped, and is still a little later."""
    # What a container's engine starts in it has its parent outside.
    before = stopped() if os.getppid() == 0 else set()
    if before:
        time.sleep(STOPPED_S)
    for pid in before & stopped():
        os.kill(pid, signal.SIGKILL)


def stopped() -> set[int]:
    """The children of the init that are stopped: state T, parent 1."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state == ["T", "1"]:
                found.add(int(entry.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
