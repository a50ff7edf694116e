"""Run a command, and tell Vigil how it went: its start, its duration, its exit code, and the last it wrote.

  vigil-ping https://vigil.example.com/ping/CODE -- python embed.py --all
  VIGIL_PING=https://vigil.example.com/ping/CODE vigil-ping -- ./backup.sh

The command comes first: its output passes through, it gets the signals that this program gets, and its exit code is
this program's. While Vigil is away nothing changes for it; the start is told beside it, and the end for at most half
a minute. One file, nothing but Python's standard library: copy it where it is wanted.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from types import FrameType
from typing import IO

#: How much of the end of the output is sent.
KEPT = 10_000
ATTEMPT_S = 5.0
#: Waits between attempts (s); all of it together is the longest that the end of a job is held up.
WAITS_S = (0.5, 1.0, 2.0, 4.0)
NOT_FOUND, NOT_RUNNABLE = 127, 126


class Tail:
    """The last of what was written, by two streams at once: no line of one stands inside a line of the other."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lines = b""
        self._begun: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def add(self, piece: bytes, stream: str = "") -> None:
        with self._lock:
            whole, newline, begun = (self._begun.get(stream, b"") + piece).rpartition(b"\n")
            self._lines = (self._lines + whole + newline)[-self._kept :]
            self._begun[stream] = begun[-self._kept :]

    def read(self) -> bytes:
        with self._lock:
            lines = self._lines
            for begun in filter(None, self._begun.values()):
                lines += (b"\n" if lines and not lines.endswith(b"\n") else b"") + begun
            return lines[-self._kept :]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code, 128 + n when signal n ended it."""
    given = sys.argv[1:] if arguments is None else arguments
    place = given.index("--") if "--" in given else len(given)
    args, command = _parser().parse_args(given[:place]), given[place + 1 :]
    address = args.url or os.environ.get("VIGIL_PING", "")
    if not command:
        _parser().error("name the command to run, after --")
    if not address.startswith(("http://", "https://")):
        _say("no address to ping: give it first, or set VIGIL_PING; running the command without")
        address = ""
    rid, tail = str(uuid.uuid4()), Tail(KEPT)
    telling = threading.Thread(target=_tell, args=(address, "start", rid, b"", (0.5,)), daemon=True)
    telling.start()
    code = _run(command, tail, quiet=args.no_output)
    # The end must not overtake the start; a start that is still under way by now gives up soon.
    telling.join(ATTEMPT_S)
    _tell(address, str(code), rid, b"" if args.no_output else tail.read(), WAITS_S)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vigil-ping",
        usage="vigil-ping [--no-output] [URL] -- COMMAND ...",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", help="the address of the heartbeat (default: VIGIL_PING)")
    parser.add_argument("--no-output", action="store_true", help="do not send what the command writes")
    return parser


def _run(command: list[str], tail: Tail, quiet: bool) -> int:
    pipe = None if quiet else subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe)
    except OSError as problem:
        line = f"vigil-ping: {command[0]}: {problem.strerror}\n"
        sys.stderr.write(line)
        tail.add(line.encode())
        return NOT_FOUND if isinstance(problem, FileNotFoundError) else NOT_RUNNABLE

    def pass_on(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    copies = []
    streams = {"out": (process.stdout, sys.stdout.buffer), "err": (process.stderr, sys.stderr.buffer)}
    for name, (source, target) in streams.items():
        if source is not None:
            add = functools.partial(tail.add, stream=name)
            copies.append(threading.Thread(target=_copy, args=(source, target, add), daemon=True))
            copies[-1].start()
    code = process.wait()
    for copy in copies:
        # A child that the command left behind may hold the pipe: it is not waited for.
        copy.join(1.0)
    return code if code >= 0 else 128 - code


def _copy(source: IO[bytes], target: IO[bytes], add: Callable[[bytes], None]) -> None:
    descriptor = source.fileno()
    while piece := os.read(descriptor, 65_536):
        add(piece)
        with contextlib.suppress(OSError, ValueError):
            target.write(piece)
            target.flush()


def _tell(address: str, what: str, rid: str, body: bytes, waits_s: tuple[float, ...]) -> None:
    """Call; again after each wait when that may help. Whatever goes wrong is one line, and no harm to the job."""
    if not address:
        return
    head, _, query = address.partition("?")
    url = f"{head.rstrip('/')}/{what}?rid={rid}" + (f"&{query}" if query else "")
    request = urllib.request.Request(url, data=body, method="POST", headers={"User-Agent": "vigil-ping"})
    problem = ""
    for wait_s in (0.0, *waits_s):
        time.sleep(wait_s)
        try:
            with urllib.request.urlopen(request, timeout=ATTEMPT_S) as answer:
                answer.read()
            return
        except urllib.error.HTTPError as refused:
            problem = f"answered {refused.code}"
            refused.close()
            if refused.code not in (408, 429) and refused.code < 500:
                break
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
    _say(f"Vigil was not told of /{what}: {problem}")


def _say(what: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"vigil-ping: {what}\n")


if __name__ == "__main__":
    sys.exit(main())
