"""Connection of a command to the REST API: over HTTP with VIGIL_URL and VIGIL_TOKEN, else in this process."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.client import ApiError, Unreachable, Vigil

#: A command that follows incidents runs long; the token ends with the command, and by itself after this.
_OWN_TOKEN_LIVES = timedelta(days=7)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument("--data-dir", help="the data folder of the running `up` (not with VIGIL_URL)")


def is_remote() -> bool:
    """Whether the environment names an installation elsewhere."""
    return bool(os.environ.get("VIGIL_URL"))


@contextmanager
def api(data_dir: str | None = None) -> Iterator[Vigil]:
    """A client of the API. Its errors become one line of the command; raises CommandError."""
    try:
        with _remote() if is_remote() else _own(data_dir) as vigil:
            yield vigil
    except (ApiError, Unreachable) as problem:
        raise CommandError(_said(problem)) from None


def _said(problem: Exception) -> str:
    if isinstance(problem, ApiError) and problem.status == 401:
        return "VIGIL_TOKEN is unknown, expired or revoked: `manage.py token add` on the server makes one"
    return str(problem)


def _remote() -> Vigil:
    url, token = os.environ["VIGIL_URL"], os.environ.get("VIGIL_TOKEN", "")
    if not url.startswith(("https://", "http://")):
        raise CommandError("VIGIL_URL must be an address such as https://vigil.example")
    if not token:
        raise CommandError("VIGIL_URL needs VIGIL_TOKEN: `manage.py token add` on the server makes one")
    return Vigil(url, token)


@contextmanager
def _own(data_dir: str | None) -> Iterator[Vigil]:
    connect(data_dir)
    import httpx
    from django.core.wsgi import get_wsgi_application

    from vigil.accounts.models import Scope
    from vigil.accounts.teams import default_team
    from vigil.accounts.tokens import issue_token
    from vigil.clock import database_now
    from vigil.configuration import configuration

    ends = database_now() + _OWN_TOKEN_LIVES
    token, plain = issue_token(default_team(), "command line", [Scope.READ, Scope.WRITE], expires_at=ends)
    transport = httpx.WSGITransport(app=get_wsgi_application(), raise_app_exceptions=True)
    try:
        with Vigil(configuration().base_url, plain, transport) as vigil:
            yield vigil
    finally:
        token.delete()
