"""Start of the MCP server: over HTTP as a process, or on standard input and output for one assistant.

The assistant starts the latter itself. It may act on another installation, by VIGIL_URL and VIGIL_TOKEN.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from probes.process.watch.standstill import LoopKind
from probes.process.watch.watchdog import EVENT_LOOP
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.processes.listening import QUIET_LOGS, allow_files, check_free
from vigil.cli.processes.process import begin
from vigil.cli.remote.connection import is_remote
from vigil.client import ApiError, Unreachable

if TYPE_CHECKING:
    from vigil.mcp.api import CallerApi

#: An assistant may stay for days; the token ends with the command, and by itself after this.
_OWN_TOKEN_LIVES = timedelta(days=7)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="serve one assistant on standard input and output instead")
    parser.add_argument("--write", action="store_true", help="with --stdio: let it change things, as VIGIL_TOKEN may")
    parser.add_argument("--data-dir", help="the data folder of the running `up` (not with VIGIL_URL)")


def mcp(args: argparse.Namespace) -> None:
    if args.stdio:
        _serve_stdio(args)
    else:
        _serve_http(args)


def _serve_http(args: argparse.Namespace) -> None:
    # First, so that a missing extra is what is said.
    from vigil.mcp.http import McpApplication

    check_free(args.host, args.port)
    connect(args.data_dir)
    health = begin("mcp", 15, {EVENT_LOOP: LoopKind.THREAD})

    from vigil.configuration import configuration
    from vigil.mcp.in_process import api_in_process
    from vigil.web.serving.http_server import MAX_CONNECTIONS, serve

    _quiet()
    allow_files(MAX_CONNECTIONS)
    serve(McpApplication(api_in_process(), configuration().hosts, health), args.host, args.port)


def _serve_stdio(args: argparse.Namespace) -> None:
    from vigil.mcp.stdio import serve_stdio

    try:
        with _remote() if is_remote() else _own(args.data_dir, args.write) as api:
            serve_stdio(api)
    except (ApiError, Unreachable) as problem:
        raise CommandError(f"VIGIL_TOKEN is not taken: {problem}") from None


def _quiet() -> None:
    # The SDK would tell of each request for another host, too.
    for name, least in {**QUIET_LOGS, "mcp": logging.ERROR}.items():
        logging.getLogger(name).setLevel(least)


@contextmanager
def _remote() -> Iterator[CallerApi]:
    from vigil.mcp.api import CallerApi

    url, token = os.environ["VIGIL_URL"], os.environ.get("VIGIL_TOKEN", "")
    if not url.startswith(("https://", "http://")) or not token:
        raise CommandError("VIGIL_URL must be an address such as https://vigil.example, and needs VIGIL_TOKEN")
    yield CallerApi(url, token, httpx.HTTPTransport())


@contextmanager
def _own(data_dir: str | None, writes: bool) -> Iterator[CallerApi]:
    """An API inside this process: with VIGIL_TOKEN, else with a token that lives as long as the command."""
    connect(data_dir)
    _quiet()
    from vigil.accounts.models import Scope
    from vigil.accounts.teams import default_team
    from vigil.accounts.tokens import issue_token
    from vigil.clock import database_now
    from vigil.mcp.in_process import api_in_process

    plain = os.environ.get("VIGIL_TOKEN", "")
    if plain:
        yield api_in_process()(plain, "127.0.0.1", "")
        return
    scopes = [Scope.READ, Scope.WRITE] if writes else [Scope.READ]
    token, plain = issue_token(default_team(), "assistant", scopes, expires_at=database_now() + _OWN_TOKEN_LIVES)
    try:
        yield api_in_process()(plain, "127.0.0.1", "")
    finally:
        token.delete()
