#!/usr/bin/env python3
"""Vigil's one entry point: builds .venv from the hashed lock when it has to, then runs the command in it."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST_PYTHON = (3, 11)
KNOWN_PYTHONS = ("python3.12", "python3.11", "python3.13", "python3.14")
CHECKOUT = Path(__file__).resolve().parent
STAMP = "vigil.lock-stamp"
CONTROL_LOCK, ASSISTANTS_LOCK, DEVELOPERS_LOCK = "requirements.lock", "requirements-mcp.lock", "requirements-dev.lock"
#: Each lock holds everything that those before it do.
LOCKS = (CONTROL_LOCK, ASSISTANTS_LOCK, DEVELOPERS_LOCK)
#: In a lock, what builds the packages that have no wheel.
BUILD_BACKEND = re.compile(r"^setuptools==(?:.*\\\n)+.*\n", re.MULTILINE)


class NotReady(Exception):
    """The environment cannot be built; the message is one line that says what to do."""


def main() -> None:
    arguments = sys.argv[1:]
    try:
        check_python()
        python = prepare(lock_for(arguments))
    except NotReady as problem:
        sys.exit(complain(str(problem)))
    except KeyboardInterrupt:
        sys.exit(130)
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    # Without the safe path, Python would look for our modules in the caller's folder first.
    env = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    os.execve(python, [str(python), "-m", "vigil.cli", *arguments], env)


def lock_for(arguments: "list[str]") -> str:
    """The lock that a command needs; help must not install what only tests or assistants need."""
    if {"-h", "--help"} & set(arguments):
        return CONTROL_LOCK
    # Tests, and what drives a real browser.
    if arguments[:1] in (["test"], ["screenshots"]) or arguments[:2] == ["bench", "pages"]:
        return DEVELOPERS_LOCK
    is_mcp = arguments[:1] == ["mcp"] or arguments[:2] == ["run", "mcp"]
    return ASSISTANTS_LOCK if is_mcp else CONTROL_LOCK


def complain(problem: str) -> int:
    sys.stderr.write(f"vigil: {problem}\n")
    return 2


def check_python() -> None:
    if sys.version_info >= OLDEST_PYTHON:
        return
    wanted = ".".join(map(str, OLDEST_PYTHON))
    newer = next((name for name in KNOWN_PYTHONS if shutil.which(name)), None)
    advice = f"run `{newer} manage.py`" if newer else f"install Python {wanted} or newer"
    raise NotReady(f"this is Python {sys.version.split()[0]} and Vigil needs {wanted} or newer: {advice}")


def prepare(lock: str) -> Path:
    """The Python of an environment that holds what `lock` names, built now when there is none yet."""
    venv = environment_folder()
    python = venv / "bin" / "python"
    stamp = stamp_of(lock)
    if has_stamp(venv, stamp) and python.exists():
        return python
    try:
        venv.mkdir(parents=True, exist_ok=True)
        with exclusively(venv):
            if not has_stamp(venv, stamp) or not python.exists():
                build(venv, lock)
                stamps = {stamp_of(held) for held in LOCKS[: LOCKS.index(lock) + 1]}
                (venv / STAMP).write_text("\n".join(sorted(stamps)) + "\n")
    except OSError as error:
        raise NotReady(
            f"cannot write to {venv} ({error.strerror}): set VIGIL_VENV to a folder that you can write to"
        ) from error
    return python


def environment_folder() -> Path:
    """VIGIL_VENV, else .venv in the checkout, else a folder below the data folder when the checkout is read-only."""
    if os.environ.get("VIGIL_VENV"):
        return Path(os.environ["VIGIL_VENV"]).expanduser().absolute()
    beside = CHECKOUT / ".venv"
    if os.access(beside if beside.exists() else CHECKOUT, os.W_OK) or (beside / STAMP).exists():
        return beside
    if os.environ.get("VIGIL_DATA_DIR"):
        return Path(os.environ["VIGIL_DATA_DIR"]).expanduser().absolute() / "venv"
    raise NotReady(f"cannot write to {CHECKOUT}: set VIGIL_DATA_DIR to a folder that you can write to")


def stamp_of(lock: str) -> str:
    """One line that names this Python and the exact text of a lock."""
    digest = hashlib.sha256((CHECKOUT / "deploy" / lock).read_bytes()).hexdigest()
    return f"{lock} {digest} python {sys.version.split()[0]} {sys.base_prefix}"


def has_stamp(venv: Path, stamp: str) -> bool:
    try:
        return stamp in (venv / STAMP).read_text().splitlines()
    except OSError:
        return False


@contextlib.contextmanager
def exclusively(folder: Path) -> "Iterator[None]":
    """Hold the folder's lock; a second first run waits here until the environment of the first is ready."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def build(venv: Path, lock: str) -> None:
    requirements = CHECKOUT / "deploy" / lock
    packages = sum("==" in line for line in requirements.read_text().splitlines())
    sys.stderr.write(f"vigil: installing {packages} packages into {venv} (once, well under a minute)\n")
    (venv / STAMP).unlink(missing_ok=True)
    uv = shutil.which("uv")
    if uv:
        run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)])
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
        run([*sync, "--build-constraints", str(requirements), "--python", str(venv), str(requirements)])
        return
    python = str(venv / "bin" / "python")
    if own_pip_serves():
        run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
        pip = [sys.executable, "-m", "pip", "--python", python]
    elif any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        raise NotReady("this Python cannot make virtual environments: `apt install python3-venv`, or install uv")
    else:
        run([sys.executable, "-m", "venv", str(venv)])
        pip = [python, "-m", "pip"]
    install = [*pip, "install", "--quiet", "--no-compile", "--require-hashes", "--no-deps"]
    if lock == DEVELOPERS_LOCK:
        # Installed first, because pip would fetch it for an isolated build without a look at its hash.
        backend = venv / "build-backend.txt"
        backend.write_text("".join(BUILD_BACKEND.findall(requirements.read_text())))
        run([*install, "-r", str(backend)])
    run([*install, "--no-build-isolation", "-r", str(requirements)])
    # On all cores, which pip itself does not use.
    run([python, "-m", "compileall", "-q", "-j", "0", str(venv / "lib")], may_fail=True)


def own_pip_serves() -> bool:
    """Whether this Python has a pip that can fill another environment: faster than making one in there first."""
    if any(importlib.util.find_spec(module) is None for module in ("pip", "venv")):
        return False
    from importlib.metadata import version as version_of

    version = version_of("pip").split(".")[:2]
    return tuple(int(part) for part in version if part.isdigit()) >= (22, 3)


def run(command: "list[str]", may_fail: bool = False) -> None:
    unwanted = ("PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if name not in unwanted}
    env |= {"UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    if not os.environ.get("HOME") or not os.access(os.environ["HOME"], os.W_OK):
        env |= {"PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1"}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode and not may_fail:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        wrong = next((line for line in said if line.lower().startswith("error")), said[-1] if said else "no message")
        raise NotReady(f"`{' '.join(command[:4])} ...` failed: {wrong.strip()}")


if __name__ == "__main__":
    main()
