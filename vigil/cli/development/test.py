"""Run the tests, with a PostgreSQL and a Redis of their own.

  manage.py test                        everything, on all cores
  manage.py test tests/probes -k tls    all arguments go to pytest; with arguments it runs on one core

The tests reach nothing outside this machine and do not touch a running `up`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from vigil.local.folder import CHECKOUT

#: Arguments that the parser does not know go to pytest.
PASSES_ON = True
#: Two workers more than there are cores: the tests of whole installations and of pages wait more than they compute.
_PARALLEL = ["-n", str((os.cpu_count() or 1) + 2), "--dist", "loadgroup"]
#: Tests start programs of their own, hundreds of times, and each would compile our modules anew without bytecode.
_NOT_INHERITED = ("VIGIL_", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE")


def add(parser: argparse.ArgumentParser) -> None:
    parser.usage = "manage.py test [pytest arguments]"


def run(args: argparse.Namespace) -> int:
    # Tests start programs of their own, some of them in environments that must not find this checkout.
    assert CHECKOUT is not None, "the wheel leaves this command out"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    paths = [path for path in inherited.pop("PYTHONPATH", "").split(os.pathsep) if path not in ("", str(CHECKOUT))]
    env = {**inherited, "PYTHONPATH": os.pathsep.join(paths)} if paths else inherited
    arguments = args.passed_on or _PARALLEL
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT, env=env).returncode
