"""Packs the code of a release, for the test that runs it beside the present code.

    python -m tests.e2e.releases.pack COMMIT tests/e2e/releases/2026-11.tar.xz

A clone need not have the history, so the code itself is kept. Left out is what the processes of the test do not import.
The lock of the release has to be the present one, since both run in one environment.
"""

from __future__ import annotations

import argparse
import io
import lzma
import subprocess
import tarfile
from pathlib import Path

PACKAGES = ("consensus", "probes", "vigil")
LEFT_OUT = ("vigil/web/static/", "vigil/bench/", "vigil/simulation/", "vigil/importers/", "vigil/demo/")


def pack(commit: str, into: Path) -> None:
    """Write the archive of a commit of this checkout; the same commit gives the same bytes."""
    plain = subprocess.run(["git", "archive", commit, *PACKAGES], capture_output=True, check=True).stdout
    kept = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(plain)) as whole, tarfile.open(fileobj=kept, mode="w") as packed:
        for member in whole.getmembers():
            if member.isfile() and not member.name.startswith(LEFT_OUT):
                packed.addfile(member, whole.extractfile(member))
    into.write_bytes(lzma.compress(kept.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the commit of the release")
    parser.add_argument("into", type=Path, help="the archive")
    asked = parser.parse_args()
    pack(asked.commit, asked.into)


if __name__ == "__main__":
    main()
