"""Child processes: started so that none outlives its parent; orphans of an earlier run are found and ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02
_PROC = Path("/proc/self/cmdline")
# Loaded before any fork: the child may only call what is already there.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The unprivileged account that a server runs under when we are root."""

    name: str
    uid: int
    gid: int


def popen_options(death_signal: signal.Signals, account: Account | None = None) -> dict[str, Any]:
    """Arguments for Popen: own session, `account` instead of root, and `death_signal` when this thread's process dies.

    Linux ties the signal to the thread that starts the child, so start children from the main thread.
    """
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "start_new_session": True,
        "preexec_fn": _tie_to_parent(os.getpid(), death_signal),
    }
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def _tie_to_parent(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    number = int(death_signal)

    def tie() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return tie


def command_line(pid: int) -> str:
    """The command line of a living process, its arguments separated by blanks; empty when there is no such process."""
    if _PROC.exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, timeout=5)
    return shown.stdout


def end_left_over(pid: int, sign: str, stop_signals: tuple[signal.Signals, ...], patience_s: float = 10) -> bool:
    """End the process `pid` of an earlier run, recognised by `sign` in its command line; True when it is gone.

    Sends the first signal and waits up to `patience_s` seconds, then the next with the same patience.
    """
    for stop_signal in stop_signals:
        if sign not in command_line(pid):
            return True
        try:
            os.kill(pid, stop_signal)
            # One that was stopped takes no signal before it is continued.
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if sign not in command_line(pid):
                return True
            time.sleep(_POLL_S)
    return sign not in command_line(pid)


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, patience_s: float = 10) -> None:
    """Stop a child with `stop_signal`; after `patience_s` seconds, its whole group with SIGKILL."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
