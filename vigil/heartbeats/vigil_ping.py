"""Job wrapper: runs a command and reports its start, duration, exit code and last output to Vigil.

  vigil-ping https://vigil.example.com/ping/CODE -- python embed.py --all
  VIGIL_PING=https://vigil.example.com/ping/CODE vigil-ping -- ./backup.sh

The command has priority: its output, signals and exit code pass through. If Vigil is unavailable the command is not
affected, except that its end may be delayed by half a minute. One file, standard library only: copy it anywhere.
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

#: Characters kept of the end of the output.
KEPT = 10_000
ATTEMPT_S = 5.0
#: Waits between attempts (s); their sum bounds the delay at the end of a job.
WAITS_S = (0.5, 1.0, 2.0, 4.0)
NOT_FOUND, NOT_RUNNABLE = 127, 126


class Tail:
    """Last output lines, merged from two streams without mixing lines."""

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
    """Run the command; returns its exit code, 128 + n if signal n ended it."""
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
    start_ping = threading.Thread(target=_send_ping, args=(address, "start", rid, b"", (0.5,)), daemon=True)
    start_ping.start()
    code = _run(command, tail, quiet=args.no_output)
    # The end ping must not overtake the start ping, which gives up soon.
    start_ping.join(ATTEMPT_S)
    _send_ping(address, str(code), rid, b"" if args.no_output else tail.read(), WAITS_S)
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
        # A child left behind may hold the pipe: do not wait for it.
        copy.join(1.0)
    return code if code >= 0 else 128 - code


def _copy(source: IO[bytes], target: IO[bytes], add: Callable[[bytes], None]) -> None:
    descriptor = source.fileno()
    while piece := os.read(descriptor, 65_536):
        add(piece)
        with contextlib.suppress(OSError, ValueError):
            target.write(piece)
            target.flush()


def _send_ping(address: str, what: str, rid: str, body: bytes, waits_s: tuple[float, ...]) -> None:
    """Send a ping, with retries. A failure prints one line and never affects the job."""
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
