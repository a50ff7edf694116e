"""The long run of the poison suite: cases of each boundary by a seed of the day, in chunks, on every processor.

  python -m tests.poison.nightly                          10^6 of each: about 12 hours of one processor
  python -m tests.poison.nightly --each 10000 --only URL "import of gatus"
  python -m tests.poison.nightly --hours 6                what is not reached then is said
  python -m tests.poison.nightly --repeat FILE            one find again

Chunks of all boundaries take turns, so a run that is cut short has seen each. A case that fails, or takes longer than
CASE_S, or more memory than MEMORY, ends no chunk: it becomes a file in `--finds`, small where it can be made so. The
exit code is 1 when there are finds.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

EACH, CHUNK = 1_000_000, 20_000
#: Longest time of one case (s), and finds of one chunk that are kept.
CASE_S, FINDS_OF_CHUNK = 30, 3
#: Bytes of address space of a process that reads.
MEMORY = 6 * 2**30
Chunk = tuple[str, int, range]


class TooSlowError(BaseException):
    """A case took too long."""


def chunks(names: Sequence[str], seed: int, each: int) -> Iterator[Chunk]:
    """Chunks of all boundaries in turn; slow boundaries have small ones."""
    from tests.poison.boundaries import BOUNDARIES

    rows = []
    for name in names:
        size = max(100, int(CHUNK * BOUNDARIES[name].weight))
        rows.append([(name, seed, range(at, min(each, at + size))) for at in range(0, each, size)])
    for turn in zip_longest(*rows):
        yield from (one for one in turn if one is not None)


def read_chunk(chunk: Chunk) -> list[Any]:
    """Finds of a chunk, the first ones."""
    from tests.poison.boundaries import BOUNDARIES, message_of
    from tests.poison.finds import find_of

    name, seed, cases = chunk
    finds: list[Any] = []
    for case in cases:
        signal.alarm(CASE_S)
        try:
            BOUNDARIES[name].read(message_of(name, seed, case))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is a find
            signal.alarm(0)
            finds.append(find_of(name, seed, case, error))
            if len(finds) == FINDS_OF_CHUNK:
                break
    signal.alarm(0)
    return finds


def prepare() -> None:
    """Make this process ready to read: settings that connect to nothing, and no log."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    import django
    import structlog

    django.setup()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False
    )
    signal.signal(signal.SIGALRM, _too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _too_slow(number: int, frame: object) -> None:
    raise TooSlowError(f"longer than {CASE_S} s")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(names: Sequence[str], seed: int, each: int, until_s: float, folder: Path) -> tuple[Counter[str], list[Path]]:
    """Read until all is done or the time is over; how many cases of each were read, and the files of the finds."""
    done: Counter[str] = Counter()
    files: list[Path] = []
    left, under_way = chunks(names, seed, each), dict[Future[list[Any]], Chunk]()
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, initializer=prepare) as pool:
        while True:
            while len(under_way) < 2 * workers and time.monotonic() < until_s and (one := next(left, None)):
                under_way[pool.submit(read_chunk, one)] = one
            if not under_way:
                return done, files
            for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                name, _, cases = under_way.pop(ended)
                done[name] += len(cases)
                for find in ended.result():
                    files.append(find.write(folder))
                    say(f"{find.boundary}: {find.error}\n  {files[-1]}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=EACH, help="cases of each boundary (default: 1000000)")
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d}"), help="default: today, 20261130")
    parser.add_argument("--hours", type=float, default=float("inf"), help="begin no chunk after so many hours")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these boundaries, or kinds such as importer")
    parser.add_argument("--finds", type=Path, default=Path("poison-finds"), help="the folder of the finds")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="read one find again")
    args = parser.parse_args(argv)
    prepare()
    from tests.poison.boundaries import BOUNDARIES, PARSERS
    from tests.poison.finds import read_find

    if args.repeat:
        read_find(args.repeat).read()
        say("it is read in bounds, or refused")
        return 0
    wanted = [one for name in args.only or () for one in PARSERS.get(name, (name,))]
    names = list(dict.fromkeys(wanted or BOUNDARIES))
    unknown = [name for name in names if name not in BOUNDARIES]
    if unknown:
        parser.error(f"no boundary is called {unknown[0]}: {', '.join(BOUNDARIES)}")
    say(f"seed {args.seed}, {args.each:,} cases of each of {len(names)} boundaries")
    done, files = run(names, args.seed, args.each, time.monotonic() + args.hours * 3600, args.finds)
    for name in names:
        say(f"{name:<34} {done[name]:>10,} of {args.each:,}")
    say(f"{len(files)} finds")
    return int(bool(files))


if __name__ == "__main__":
    sys.exit(main())
