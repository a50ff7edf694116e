"""Room on a disk: low comes before full, whatever the disk's size, and files can be short as well as bytes."""

from __future__ import annotations

import pytest

from vigil.incidents.core.disks import Disk, Shortage, in_words, shortage

MB, GB, TB = 10**6, 10**9, 10**12


@pytest.mark.parametrize(
    ("disk", "was_low", "expected"),
    [
        pytest.param(Disk("/d", TB, 100 * GB), False, Shortage.NONE, id="a large disk"),
        pytest.param(Disk("/d", TB, 1_900 * MB), False, Shortage.LOW_ROOM, id="a large disk with 2 GB"),
        pytest.param(Disk("/d", 700 * MB, 71 * MB), False, Shortage.NONE, id="a small disk"),
        pytest.param(Disk("/d", 700 * MB, 69 * MB), False, Shortage.LOW_ROOM, id="a small disk, a tenth left"),
        pytest.param(Disk("/d", 700 * MB, 71 * MB), True, Shortage.LOW_ROOM, id="hardly more room than low"),
        pytest.param(Disk("/d", 700 * MB, 90 * MB), True, Shortage.NONE, id="well again"),
        pytest.param(Disk("/d", 700 * MB, 7 * MB), False, Shortage.FULL, id="full, but for root's reserve"),
        pytest.param(Disk("/d", 20 * MB, 3 * MB), False, Shortage.NONE, id="a tiny disk is not full by its size"),
        pytest.param(Disk("/d", TB, 0), False, Shortage.FULL, id="full"),
        pytest.param(Disk("/d", TB, TB, 65_536, 0), False, Shortage.FULL, id="no file (inode) left"),
        pytest.param(Disk("/d", TB, TB, 65_536, 3_000), False, Shortage.LOW_FILES, id="few files left"),
        pytest.param(Disk("/d", TB, TB, 0, 0), False, Shortage.NONE, id="a file system that does not count files"),
        pytest.param(Disk("/d", TB, TB, read_only=True), False, Shortage.READ_ONLY, id="read-only"),
    ],
)
def test_a_disk_is_low_before_it_is_full(disk: Disk, was_low: bool, expected: Shortage) -> None:
    assert shortage(disk, was_low) is expected


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (Disk("/data", TB, 0), "The disk of /data is full: 0 kB of 1.0 TB are free."),
        (Disk("/data", 700 * MB, 60 * MB), "The disk of /data is nearly full: 60.0 MB of 700.0 MB are free."),
        (Disk("/data", TB, 500 * GB), "500.0 GB of 1.0 TB are free on the disk of /data."),
        (Disk("/data", TB, TB, 65_536, 12), "The disk of /data has room for 12 more files, of 65,536."),
        (Disk("/data", TB, TB, read_only=True), "The disk of /data is read-only."),
    ],
)
def test_the_words_say_which_disk_lacks_what(disk: Disk, expected: str) -> None:
    assert in_words(disk) == expected
