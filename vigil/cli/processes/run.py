"""Run one process of the control plane in the foreground, until SIGTERM or Ctrl-C ends it.

  manage.py run dispatch
  manage.py run web --port 8000
  manage.py run dispatch --help      what this process does, and how many of it you may run

`manage.py up` starts all of them on one machine. The settings come from the environment; deploy/README.md lists them.
Set VIGIL_HEALTH_PORT and the process answers GET /healthz there on 127.0.0.1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from vigil.cli.errors import CommandError
from vigil.cli.processes import mcp, start
from vigil.cli.program import as_called


@dataclass(frozen=True, slots=True)
class ControlProcess:
    """A process: how to start it, and what its help says. `port` is the default of --port, 0 for no such option."""

    start: Callable[[argparse.Namespace], None]
    summary: str
    description: str
    port: int = 0
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None


#: `manage.py run NAME`; `manage.py NAME` does the same.
PROCESSES = {
    "web": ControlProcess(
        start.web,
        "serves the pages and the API",
        "Run as many as you like. Put a proxy that speaks TLS in front.",
        port=8000,
    ),
    "dispatch": ControlProcess(
        start.dispatch,
        "sends due checks to the regions and opens rounds",
        "Run two: one leads, the other stands by and takes over within 13 s.",
    ),
    "ingest": ControlProcess(
        start.ingest,
        "turns verdicts into incidents and deliveries",
        "Run two. Rows are locked, and each verdict is applied once.",
    ),
    "record": ControlProcess(
        start.record,
        "writes results to the packed history",
        "Run two: one leads, the other stands by and takes over within seconds.\n\n"
        "A result is stored within 20 s, packed when its hour is over, and rolled up when its day is over.\n"
        "Partitions past their retention are dropped.",
    ),
    "deliver": ControlProcess(
        start.deliver,
        "sends deliveries to the channels",
        "Run one or more. Each claims its own deliveries.",
    ),
    "witness": ControlProcess(
        start.witness,
        "reads providers' status feeds, pings the dead man's switch, and watches disks and what ends",
        "Run one. It decides nothing of what is checked: its findings stand beside the incidents of the regions.\n\n"
        "It tells the operator before a disk is full: those of the data on its machine, or of VIGIL_DISK_FOLDERS. And\n"
        "before a certificate of the pages or the servers ends, or a token in use.",
    ),
    "ping": ControlProcess(
        start.ping,
        "receives the pings of jobs over HTTP",
        "Run one or more. It starts, and keeps running, while PostgreSQL or Redis is down.\n\n"
        "It answers GET, HEAD and POST to /ping/<code> and /ping/<team key>/<slug>, with /start, /fail, /log or an\n"
        "exit code behind it. A ping is acknowledged after it is written. GET /healthz works on this port too.",
        port=8001,
    ),
    "heartbeats": ControlProcess(
        start.heartbeats,
        "applies pings and finds jobs that are late",
        "Run two. Each ping is applied once, in order, and one process at a time looks for late jobs.",
    ),
    "mail": ControlProcess(
        start.mail,
        "receives pings by mail (off unless VIGIL_MAIL_PORT is set)",
        "  VIGIL_MAIL_PORT=2525 VIGIL_MAIL_DOMAIN=pings.example.com manage.py run mail\n\n"
        "Run one or more. A mail to <code>@pings.example.com is a ping; a mail to <code>+fail@pings.example.com says\n"
        "that the job failed. Keyword rules read the subject and the text. It speaks plain SMTP: put your mail server\n"
        "in front and let it forward the mail of that domain.",
    ),
    "mcp": ControlProcess(
        mcp.mcp,
        "serves AI assistants over MCP (streamable HTTP)",
        "Run one or more, if you want assistants at all. It answers POST /mcp with an API token as bearer, and asks\n"
        "the API in this process with that token. Put a proxy that speaks TLS in front. It needs the extra `mcp`.\n\n"
        "  manage.py mcp --stdio            one assistant on this machine, which starts this itself and may read\n"
        "  manage.py mcp --stdio --write    and it may acknowledge, silence, pause and apply\n\n"
        "With VIGIL_URL and VIGIL_TOKEN, --stdio serves another installation, as the token may.",
        port=8002,
        options=mcp.add_options,
    ),
}


def add(parser: argparse.ArgumentParser) -> None:
    named = parser.add_subparsers(dest="process", metavar="NAME", required=True)
    for name, process in PROCESSES.items():
        own = named.add_parser(
            name,
            help=process.summary,
            description=as_called(f"This process {process.summary}.\n\n{process.description}"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if process.port:
            own.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
            own.add_argument("--port", type=int, default=process.port, help="port to listen on (default: %(default)s)")
        process.options(own)


def run(args: argparse.Namespace) -> int:
    process = PROCESSES[args.process]
    if process.port and not 1 <= args.port <= 65535:
        raise CommandError(f"{args.port} is not a port: use 1 to 65535")
    process.start(args)
    return 0
