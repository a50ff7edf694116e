"""`python -m vigil.cli`: what `manage.py` runs inside the virtual environment."""

from __future__ import annotations

import sys

from vigil.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
