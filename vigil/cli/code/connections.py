"""Where commands of monitors as code act: the installation of this machine, or another one with a token."""

from __future__ import annotations

import argparse
import os

from vigil.cli.code.local_installation import LocalInstallation
from vigil.cli.code.reached import ReachedInstallation
from vigil.cli.code.remote_installation import RemoteInstallation
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", help="the data folder of the running `up`, without VIGIL_URL")


def installation(data_dir: str | None) -> ReachedInstallation:
    """The one of VIGIL_URL and VIGIL_TOKEN, else that of this machine."""
    address = os.environ.get("VIGIL_URL", "").rstrip("/")
    if not address:
        connect(data_dir)
        return LocalInstallation()
    token = os.environ.get("VIGIL_TOKEN", "")
    if not token:
        raise CommandError("VIGIL_TOKEN is not set: `manage.py token add ci --scope read --scope write` makes one")
    return RemoteInstallation(address, token)
