"""Run the process that receives pings by mail, until it is told to stop.

  VIGIL_MAIL_PORT=2525 VIGIL_MAIL_DOMAIN=pings.example.com manage.py mail

A mail to <code>@pings.example.com is a ping, one to <code>+fail@... says that the job failed; keyword rules read its
subject and text. It speaks plain SMTP: put your mail server in front of it, and let that send it the domain's mail.
"""

from __future__ import annotations

import argparse
import asyncio

from vigil.cli.errors import CommandError
from vigil.cli.processes.process import begin_alone


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin_alone("mail", stale_after_s=15)

    from vigil.configuration import configuration
    from vigil.heartbeats.receiving.mail import serve_mail

    settings = configuration()
    if not settings.mail_port:
        raise CommandError("pings by mail are off: set VIGIL_MAIL_PORT, and VIGIL_MAIL_DOMAIN for your addresses")
    try:
        asyncio.run(serve_mail(settings, health))
    except OSError as problem:
        raise CommandError(
            f"cannot listen on {settings.mail_host}:{settings.mail_port} ({problem.strerror or problem})"
        ) from None
    return 0
