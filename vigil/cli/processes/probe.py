"""Run the worker of a region, or enrol one: in a checkout, this is what the command `vigil-probe` is elsewhere.

  manage.py probe enrol https://vigil.example.com CODE --run     the line that `region add` prints
  manage.py probe --identity FILE                                run it again from the file that it wrote

It needs Redis and its keys, and neither the database nor the settings of the control plane.
"""

from __future__ import annotations

import argparse
import os
import sys

#: The worker reads its own arguments.
PASSES_ON = True


def add(parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def run(args: argparse.Namespace) -> int:
    # In place of this process: a worker holds nothing of the control plane.
    os.execv(sys.executable, [sys.executable, "-m", "probes", *args.passed_on])
