"""Processes whose clock can be stepped: a region worker, and all of `up` by a `sitecustomize` of `installation`.

  python -m vigil.bench.soak.stepped_worker FILE --region NAME

FILE holds the offset (s) as one double of eight bytes; what it holds now is added to `time.time()` and `time.time_ns()`
before anything else is imported. The processes themselves have no such switch. What C code reads is not stepped.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

_OFFSET = struct.Struct("<d")


def write_offset(path: Path, offset_s: float) -> None:
    """Step the clock of the worker that reads this file; in place, since the worker has it mapped."""
    if not path.exists():
        path.write_bytes(bytes(_OFFSET.size))
    with path.open("r+b") as file:
        file.write(_OFFSET.pack(offset_s))


def step_clock(path: Path) -> None:
    """Let the clock of this process follow the file."""
    with path.open("r+b") as file:
        held = mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)
    true_s, true_ns = time.time, time.time_ns

    def offset_s() -> float:
        return float(_OFFSET.unpack_from(held)[0])

    def stepped_s() -> float:
        return true_s() + offset_s()

    def stepped_ns() -> int:
        return true_ns() + int(offset_s() * 1_000_000_000)

    time.time, time.time_ns = stepped_s, stepped_ns


def main() -> int:
    step_clock(Path(sys.argv[1]))
    # Only now, so that everything it imports finds the stepped clock.
    from probes.__main__ import main as work

    return work(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
