"""Write a first document of monitors as code.

  manage.py init                      vigil.yaml here: one monitor, one heartbeat, a channel and its route
  manage.py init monitoring/vigil.yaml

The first line tells editors where the schema is, so that they complete names and show mistakes: at VIGIL_URL, else
where `up` serves its pages on this machine. A file that is there is not overwritten.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from vigil.cli.code.connections import add_connection
from vigil.cli.code.documents import SCHEMA_PATH
from vigil.cli.errors import CommandError
from vigil.code.load import DEFAULT
from vigil.local.folder import chosen_path, read_state

LOCAL = "http://127.0.0.1:8000"
TEXT = """\
# yaml-language-server: $schema={address}
version: 1
project: default
defaults: {{interval: 60s, timeout: 10s}}

monitors:
  website:
    http: {{url: "https://example.com/"}}
  # openai: {{preset: openai, key: "${{env:OPENAI_API_KEY}}"}}

heartbeats:
  nightly-job: {{every: 1d, grace: 2h}}

channels:
  ops-slack:
    slack: {{}}
    secrets: {{url: "${{env:SLACK_URL}}"}}

routes:
  everything: {{channels: [ops-slack], default: true}}
"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", default=Path(DEFAULT), metavar="FILE", help="the file to write")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    named = os.environ.get("VIGIL_URL") or os.environ.get("VIGIL_BASE_URL")
    # Whether it runs or not: it takes the same port again.
    address = named or read_state(chosen_path(args.data_dir)).address or LOCAL
    try:
        with args.file.open("x", encoding="utf-8") as file:
            file.write(TEXT.format(address=address.rstrip("/") + SCHEMA_PATH))
    except FileExistsError:
        raise CommandError(f"{args.file} is there already") from None
    except OSError as problem:
        raise CommandError(f"cannot write {args.file}: {problem.strerror or problem}") from None
    print(
        f"wrote {args.file}: `manage.py validate {args.file}` checks it, `manage.py plan {args.file}` shows the changes"
    )
    return 0
