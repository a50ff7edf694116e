"""What lies on the disk is never older than what is served, and never more open; a disk that fails stops nothing."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.vigil.status.facts import CLOSED, FRAME, NOW, page
from vigil.status.core.access import PagePlace
from vigil.status.core.document import PublishedPage, project
from vigil.status.published import PublishedPages


def made(**more: Any) -> PublishedPage:
    return project(replace(page(), **more), FRAME)


def of_the_next_start(folder: Path) -> PublishedPages:
    found = PublishedPages(folder)
    found.load()
    return found


def test_a_page_that_the_disk_does_not_take_is_served_and_its_old_file_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = PublishedPages(tmp_path)
    pages.publish(made())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(PublishedPages, "_write", full)
        pages.publish(made(access=CLOSED))
    found = pages.find("acme")
    assert found is not None and not found.is_public
    assert of_the_next_start(tmp_path).find("acme") is None


def test_a_file_that_cannot_be_removed_stops_nothing(tmp_path: Path) -> None:
    pages = PublishedPages(tmp_path)
    pages.publish(made())
    (tmp_path / "stp_odd.page").mkdir()
    pages.keep_only({})
    assert pages.find("acme") is None and [path.name for path in tmp_path.iterdir()] == ["stp_odd.page"]


def test_what_ended_writers_left_is_removed_and_what_is_being_written_stays(tmp_path: Path) -> None:
    pages = PublishedPages(tmp_path)
    old, new = tmp_path / "stp_1.aa.part", tmp_path / "stp_1.bb.part"
    for part in (old, new):
        part.write_bytes(b"x")
    (tmp_path / "stp_broken.page").write_bytes(b"\xc1")
    os.utime(old, (time.time() - 120, time.time() - 120))
    pages.keep_only({"stp_1": PagePlace("acme")})
    assert list(tmp_path.iterdir()) == [new]


def test_of_two_files_that_claim_one_address_the_newer_one_has_it(tmp_path: Path) -> None:
    pages = PublishedPages(tmp_path)
    pages.publish(made(id="stp_a", title="The newer one", heard_at=NOW))
    pages.publish(made(id="stp_z", title="The older one", heard_at=NOW - timedelta(hours=1)))
    found = of_the_next_start(tmp_path).find("acme")
    assert found is not None and found.id == "stp_a"


@pytest.mark.parametrize(
    "wanted", [PagePlace("acme", access=CLOSED), PagePlace("acme-cloud"), PagePlace("acme", "status.acme.test")]
)
def test_a_page_that_was_closed_or_moved_is_neither_served_nor_kept(tmp_path: Path, wanted: PagePlace) -> None:
    pages = PublishedPages(tmp_path)
    pages.publish(made())
    pages.keep_only({"stp_1": wanted})
    assert pages.find("acme") is None and list(tmp_path.iterdir()) == []
