"""Last words: what a process said of the disk or of its end counts more than its last line."""

from __future__ import annotations

import pytest

from vigil.local.supervision.last_words import telling

NO_SPACE = 'PANIC:  could not write to file "pg_wal/xlogtemp.12": No space left on device'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ""),
        (["starting", "vigil: port 1 is in use"], "vigil: port 1 is in use"),
        ([NO_SPACE, "LOG:  startup process was terminated", "LOG:  database system is shut down"], NO_SPACE),
        (["FATAL:  could not write lock file: Disk quota exceeded", "LOG:  shut down"],
         "FATAL:  could not write lock file: Disk quota exceeded"),
        (["# Can't open the append-only file: Read-only file system", "bye"],
         "# Can't open the append-only file: Read-only file system"),
        (["FATAL:  data directory has wrong ownership", "HINT:  change it"],
         "FATAL:  data directory has wrong ownership"),
        (["PANIC:  could not locate a valid checkpoint record", "FATAL:  terminating", "LOG:  x"],
         "PANIC:  could not locate a valid checkpoint record"),
    ],
)  # fmt: skip
def test_the_line_that_says_why_is_told(lines: list[str], expected: str) -> None:
    assert telling(lines) == expected
