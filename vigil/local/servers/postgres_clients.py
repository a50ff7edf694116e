"""Locator and runner of PostgreSQL's client programs, pg_dump and pg_restore, of a server's major version."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote, urlsplit

from vigil.local import children
from vigil.local.errors import CannotStart
from vigil.local.servers.postgres_binaries import wheel_folder

#: Seconds in which a program must say or take something.
SILENCE_S = 600.0
CHUNK = 1 << 20
#: Where packages of several major versions are, besides PATH.
_PLACES = (Path("/usr/lib/postgresql"), Path("/usr/local/lib/postgresql"))
_SAID_BYTES_MOST = 16_384


def find_client(name: str, major: int) -> Path:
    """`pg_dump` or `pg_restore` of this major version; raises CannotStart."""
    seen = []
    for folder in _candidates():
        program = folder / name
        found = _major(program) if os.access(program, os.X_OK) else None
        if found == major:
            return program
        if found:
            seen.append(str(found))
    others = f" (found: {', '.join(dict.fromkeys(seen))})" if seen else ""
    raise CannotStart(f"no {name} of PostgreSQL {major} on this machine{others}: install postgresql-client-{major}")


def output_of(program: Path, arguments: Iterable[str], url: str) -> Iterator[bytes]:
    """What a program writes, in chunks; raises CannotStart when it fails or is silent for too long."""
    with _started(program, [*arguments, "--dbname", _without_password(url)], _environment(url)) as run:
        output = run.process.stdout
        assert output is not None
        while True:
            if not select.select([output], [], [], SILENCE_S)[0]:
                raise CannotStart(f"{program.name} was silent for {SILENCE_S:.0f} s")
            chunk = os.read(output.fileno(), CHUNK)
            if not chunk:
                break
            yield chunk
        run.await_good_end()


def feed(program: Path, arguments: Iterable[str], url: str, chunks: Iterable[bytes]) -> None:
    """Write chunks to a program's input; raises CannotStart when it fails or takes nothing for too long."""
    with _started(program, [*arguments, "--dbname", _without_password(url)], _environment(url)) as run:
        taken = run.process.stdin
        assert taken is not None
        os.set_blocking(taken.fileno(), False)
        # A program that has ended says why.
        with contextlib.suppress(BrokenPipeError):
            for chunk in chunks:
                _give(taken, memoryview(chunk), program)
        taken.close()
        run.await_good_end()


@dataclass(frozen=True)
class _Run:
    process: subprocess.Popen[bytes]
    program: Path
    said: IO[bytes]

    def await_good_end(self) -> None:
        try:
            code = self.process.wait(SILENCE_S)
        except subprocess.TimeoutExpired:
            raise CannotStart(f"{self.program.name} did not end in {SILENCE_S:.0f} s") from None
        if code:
            self.said.seek(0)
            lines = self.said.read(_SAID_BYTES_MOST).decode(errors="replace").splitlines()
            cause = next((line for line in lines if "error:" in line), lines[-1] if lines else f"exit {code}")
            raise CannotStart(f"{self.program.name} failed: {cause.rpartition('error: ')[2]}")


@contextlib.contextmanager
def _started(program: Path, arguments: list[str], environment: Mapping[str, str]) -> Iterator[_Run]:
    with tempfile.TemporaryFile() as said:
        options = children.popen_options(signal.SIGKILL) | {"stdin": subprocess.PIPE}
        process = subprocess.Popen(
            [program, *arguments], env=environment, stdout=subprocess.PIPE, stderr=said, **options
        )
        try:
            yield _Run(process, program, said)
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            if process.poll() is None:
                children.stop(process, signal.SIGTERM)


def _give(taken: IO[bytes], rest: memoryview, program: Path) -> None:
    while rest:
        if not select.select([], [taken], [], SILENCE_S)[1]:
            raise CannotStart(f"{program.name} took nothing for {SILENCE_S:.0f} s")
        rest = rest[os.write(taken.fileno(), rest) :]


def _without_password(url: str) -> str:
    """The address as others may see it among the arguments of a process."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = quote(unquote(user.partition(":")[0]), safe="")
    return parts._replace(netloc=f"{name}@{host}" if name else host).geturl()


def _environment(url: str) -> dict[str, str]:
    """A small environment: the caller's PG* variables must not decide where to."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": os.environ.get("HOME", "/")}
    password = urlsplit(url).password
    return environment | ({"PGPASSWORD": unquote(password)} if password else {})


def _candidates() -> Iterator[Path]:
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if entry:
            # Not resolved: Debian's link leads to a wrapper that looks at the name it was called by.
            yield Path(entry)
    for place in _PLACES:
        yield from sorted(place.glob("*/bin"), reverse=True)
    wheel = wheel_folder()
    if wheel is not None:
        yield wheel


def _major(program: Path) -> int | None:
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", shown.stdout)
    return int(found.group(1)) if found else None
