"""Stand-in processes for the supervisor: small, real, and observable from outside."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vigil.local.processes import answers_health
from vigil.local.programs import Program
from vigil.local.servers import ports

SERVER = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
def on_term(*_):
    with open(sys.argv[2], "a") as story: story.write(sys.argv[3] + "\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, on_term)
print(sys.argv[3], "says hello", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def stand_in(name: str, story: Path, after: tuple[str, ...] = ()) -> Program:
    """A process with a health port that writes its name into `story` when it is told to stop."""
    port = ports.take_free_port()
    argv = [sys.executable, "-S", "-c", SERVER, str(port), str(story), name]
    return Program(name, argv, dict(os.environ), after=after, is_ready=answers_health(port))


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
