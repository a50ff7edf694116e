"""Subscribers benchmark: how long 10,000 subscribers wait for an update, and what kills in between repeat.

  manage.py bench subscribers --json
  manage.py bench subscribers --subscribers 10000 --delay-ms 50

A real `manage.py run deliver`, on a PostgreSQL of its own that commits durably, mails an update to a local mail server
over SMTP. It mails a second one, while it is killed with SIGKILL and started again three times. Nothing leaves the
machine.

told_s             from the publication until the last letter was accepted
cpu_ms_per_letter  of the sender
lost               letters that somebody did not get, of both updates
repeated           letters that somebody got twice, without a kill
repeated_by_kills  the same, with the kills: of letters that were accepted in the very instant of a kill
"""

from __future__ import annotations

import argparse
import tempfile

from vigil.bench.database import own_database
from vigil.bench.report import print_report
from vigil.cli.errors import CommandError

#: Maximum of each.
BUDGETS = {"told_s": 120.0, "cpu_ms_per_letter": 3.0, "lost": 0, "repeated": 0, "repeated_by_kills": 3}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subscribers", type=int, default=10_000, help="of the page (default 10000)")
    parser.add_argument("--delay-ms", type=int, default=0, help="of each acceptance by the mail server (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not (10 <= args.subscribers <= 50_000 and 0 <= args.delay_ms <= 1_000):
        raise CommandError("--subscribers is 10 to 50000, --delay-ms 0 to 1000")
    from vigil.demo.mail_receiver import MailReceiver

    receiver = MailReceiver(delay_s=args.delay_ms / 1_000)
    settings = {
        "VIGIL_ALERT_EGRESS": "private",
        "VIGIL_EMAIL_URL": f"smtp://127.0.0.1:{receiver.start()}",
        "VIGIL_EMAIL_FROM": "vigil@acme.test",
    }
    try:
        with tempfile.TemporaryDirectory() as folder, own_database(True, True, VIGIL_DATA_DIR=folder, **settings):
            from vigil.bench.subscribers.rig import measure

            report = measure(receiver, args.subscribers)
    finally:
        receiver.stop()
    print_report(report, args.json, BUDGETS)
    return 0
