"""Run the whole system on this machine, until Ctrl-C.

It starts a PostgreSQL and a Redis of its own (or uses those that VIGIL_DATABASE_URL and VIGIL_REDIS_URL name), the
control plane, consensus, three region workers and the web pages. Then it prints the address and a one-time login link.
All data is in one folder: .vigil in the checkout, unless --data-dir or VIGIL_DATA_DIR names another.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable

from probes.process import sentry
from vigil.cli.errors import CommandError
from vigil.local import log_output
from vigil.local.folder import DataFolder, chosen_path
from vigil.local.installation import Installation, InstallationOptions
from vigil.local.processes import LocalRegion
from vigil.local.programs import Journal
from vigil.local.servers import ports

_MOST_REGIONS = 20


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, default=0, help="port of the web pages (default: 8000, or the next free one)"
    )
    parser.add_argument("--data-dir", help="the data folder (default: VIGIL_DATA_DIR, else .vigil)")
    parser.add_argument("--regions", type=int, default=3, metavar="N", help="number of region workers (default: 3)")
    parser.add_argument(
        "--quiet", action="store_true", help="write logs to files in the data folder, not to the terminal"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object when ready; implies --quiet")


def run(args: argparse.Namespace) -> int:
    if not 0 <= args.port <= 65_535:
        raise CommandError(f"--port {args.port} is not a port: choose one between 1 and 65535")
    if not 1 <= args.regions <= _MOST_REGIONS:
        raise CommandError(f"--regions {args.regions}: choose between 1 and {_MOST_REGIONS}")
    regions = tuple(LocalRegion(f"local-{number}") for number in range(1, args.regions + 1))
    sentry.configure(os.environ.get("VIGIL_SENTRY_DSN", ""), "up")
    with DataFolder.claim(chosen_path(args.data_dir)) as folder:
        quiet = args.quiet or args.json
        lines = log_output.to_files(folder.path / "logs") if quiet else log_output.to_terminal()
        if not args.json:
            log_output.say(f"vigil: starting, with data in {folder.path}")
        report = _as_json if args.json else _for_people
        return asyncio.run(keep_running(folder, InstallationOptions(regions, args.port), lines, report))


async def keep_running(
    folder: DataFolder, wanted: InstallationOptions, lines: Journal, report: Callable[[Installation], str]
) -> int:
    """Run an installation until SIGINT or SIGTERM; a second one hurries. Prints `report` once all is ready."""
    told_to_stop = asyncio.Event()
    installation = Installation(folder, wanted, lines)

    def on_signal() -> None:
        if told_to_stop.is_set():
            installation.supervisor.hurry()
        told_to_stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)
    starting = asyncio.create_task(installation.start())
    stopping = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return 130
    await starting
    log_output.say(report(installation))
    await stopping
    log_output.say("vigil: stopping", sys.stderr)
    await installation.stop()
    return 0


#: Without them, an uplink of this machine that is down looks like an outage of everything.
_ANCHORS = (
    "  Anchors:         none. Set VIGIL_ANCHORS to 3 addresses or more that this machine surely reaches, such",
    "                   as example.com,example.net,192.0.2.53:53: an uplink that is down is then no outage",
)


def _for_people(installation: Installation) -> str:
    base = installation.addresses.base_url
    folders = " and ".join(map(str, installation.data_folders))
    return "\n".join(
        [
            "",
            f"  Vigil is ready:  {base}/",
            f"  Log in:          {installation.login_link}",
            f"                   once, within {installation.login_link_lifetime_s // 60} minutes; "
            "`manage.py login` prints a new link",
            f"  API and docs:    {base}/api/docs/",
            f"  Pings of jobs:   {base}/ping/..., and {_ping_address(installation)}/ping/... for many of them",
            f"  Data:            {folders}",
            *([] if os.environ.get("VIGIL_ANCHORS") else _ANCHORS),
            "  Stop:            Ctrl-C",
            "",
        ]
    )


def _ping_address(installation: Installation) -> str:
    return f"http://{ports.LOOPBACK}:{installation.addresses.ping_port}"


def _as_json(installation: Installation) -> str:
    base = installation.addresses.base_url
    return json.dumps(
        {
            "address": base,
            "login_link": installation.login_link,
            "login_link_lifetime_s": installation.login_link_lifetime_s,
            "api_docs": f"{base}/api/docs/",
            "ping_address": _ping_address(installation),
            "data_dir": str(installation.folder.path),
            "data_folders": list(map(str, installation.data_folders)),
            "processes": installation.supervisor.pids(),
        }
    )
