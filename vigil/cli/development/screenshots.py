"""Make the pictures of README and guide again, from sample data in a real browser.

  manage.py screenshots               write them to deploy/guide/pictures
  manage.py screenshots --to FOLDER   write them elsewhere

The sample data is the same each time; only times of day differ. It needs Debian's package chromium, starts a
PostgreSQL, a Redis and the web pages of its own, and touches no installation.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from vigil.local.folder import CHECKOUT


def add(parser: argparse.ArgumentParser) -> None:
    assert CHECKOUT is not None, "the wheel leaves this command out"
    parser.add_argument(
        "--to", type=Path, default=CHECKOUT / "deploy/guide/pictures", help="the folder of the pictures"
    )


def run(args: argparse.Namespace) -> int:
    # By name, as benchmarks are: they lie above the commands.
    pictures = importlib.import_module("vigil.bench.pages.pictures")
    for picture in pictures.take_pictures(args.to):
        print(f"{picture}  {picture.stat().st_size // 1000} kB")
    return 0
