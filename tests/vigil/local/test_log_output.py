"""Logs never stop what they tell of: what cannot be written is dropped and counted, and files stay bounded."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vigil.local import log_output

CHECKOUT = Path(__file__).resolve().parents[3]
FULL = Path("/dev/full")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_lines_on_a_full_disk_are_dropped_and_counted_when_there_is_room_again(tmp_path: Path) -> None:
    (tmp_path / "web.log").symlink_to(FULL)
    write = log_output.to_files(tmp_path)
    for number in range(3):
        write("web", f"lost {number}")
    write("ingest", "has a place")
    (tmp_path / "web.log").unlink()
    write("web", "here again")
    assert (tmp_path / "web.log").read_text() == ("3 log lines were dropped: No space left on device\nhere again\n")
    assert (tmp_path / "ingest.log").read_text() == "has a place\n"


def test_half_a_line_before_the_disk_was_full_stands_alone(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from vigil.local import log_output\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "write = log_output.to_files(Path(sys.argv[1]))\n"
        "write('web', 'a' * 60)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))\n"
        "write('web', 'b' * 60)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "write('web', 'c')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=CHECKOUT, timeout=30)
    assert ended.returncode == 0
    assert (tmp_path / "web.log").read_text().split("\n") == [
        "a" * 60, "b" * 39, "1 log lines were dropped: File too large", "c", "",
    ]  # fmt: skip


@pytest.mark.parametrize("gone", ["file", "folder", "rotated"])
def test_a_log_that_was_removed_or_moved_is_begun_anew(
    tmp_path: Path, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_output, "_LOOK_EVERY_S", 0.0)
    folder = tmp_path / "logs"
    write = log_output.to_files(folder)
    write("web", "before")
    if gone == "rotated":
        (folder / "web.log").rename(folder / "web.log.1")
    else:
        (folder / "web.log").unlink()
    if gone == "folder":
        folder.rmdir()
    write("web", "after")
    assert (folder / "web.log").read_text() == "after\n"


def test_n25_logs_are_bounded(tmp_path: Path) -> None:
    write = log_output.to_files(tmp_path, limit=1_000)
    for number in range(500):
        write("web", f"line {number}")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["web.log", "web.old.log"]
    assert all(path.stat().st_size < 1_100 for path in tmp_path.iterdir())
    assert (tmp_path / "web.log").read_text().endswith("line 499\n")


def test_a_terminal_that_nobody_reads_holds_nothing_up(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with os.fdopen(writing, "w", closefd=False) as out:
        write = log_output.to_terminal(out)
        for _ in range(200):
            write("web", "x" * 1_000)
        os.set_blocking(reading, False)
        while len(os.read(reading, 65_536)) == 65_536:
            pass
        write("web", "read again")
        said = os.read(reading, 65_536).decode()
    assert "log lines were dropped: nothing reads them" in said
    assert said.endswith("| read again\n")


@pytest.mark.parametrize("end", ["closed pipe", "full disk"])
def test_standard_output_that_takes_nothing_ends_nothing(pipe: tuple[int, int], end: str) -> None:
    reading, writing = pipe
    os.close(reading)
    descriptor = writing if end == "closed pipe" else os.open(FULL, os.O_WRONLY)
    with os.fdopen(descriptor, "w", closefd=False) as out:
        write = log_output.to_terminal(out)
        write("web", "lost")
        log_output.say("vigil: lost", out)
    if end == "full disk":
        os.close(descriptor)


def test_a_stream_in_memory_gets_every_line() -> None:
    out = io.StringIO()
    log_output.to_terminal(out)("web", "hello\x1b[2J")
    assert out.getvalue() == "web            | hello?[2J\n"
