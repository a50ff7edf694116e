"""A folder is replaced file by file: it never lacks what is read, loses nothing of others, and leads nowhere else."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from vigil.status.export import site_folder
from vigil.status.export.site_folder import LIST, Replaced, SiteFolder, SiteFolderError

FILES = {"index.html": b"<p>1", "api/v2/status.json": b"{}", "assets/a.css": b"a"}


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_no_longer_there_is_removed_with_its_folder_and_the_same_is_not_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "site"
    assert SiteFolder(folder).replace(FILES) == Replaced(3, 3, 0)
    before = (folder / "index.html").stat().st_ino
    assert SiteFolder(folder).replace({"index.html": b"<p>1", "a.md": b"x"}) == Replaced(2, 1, 2)
    assert names(folder) == {"index.html", "a.md", LIST} and not (folder / "api").exists()
    assert (folder / "index.html").stat().st_ino == before
    assert (folder / "a.md").stat().st_mode & 0o777 == 0o644


def test_a_page_is_written_after_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    real = SiteFolder._write

    def noting(self: SiteFolder, name: str, body: bytes) -> bool:
        written.append(name)
        return real(self, name, body)

    monkeypatch.setattr(SiteFolder, "_write", noting)
    SiteFolder(tmp_path).replace(FILES)
    assert written == [LIST, "assets/a.css", "api/v2/status.json", "index.html", LIST]


def test_one_that_was_cut_short_is_made_whole_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SiteFolder(tmp_path).replace(FILES)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path))

    with monkeypatch.context() as patched:
        patched.setattr(site_folder.os, "fdopen", full)
        with pytest.raises(SiteFolderError, match="No space left on device"):
            SiteFolder(tmp_path).replace({"index.html": b"<p>2", "b.md": b"b"})
    assert (tmp_path / "index.html").read_bytes() == b"<p>1" and not list(tmp_path.glob(".*.part"))
    SiteFolder(tmp_path).replace({"index.html": b"<p>2", "b.md": b"b"})
    assert names(tmp_path) == {"index.html", "b.md", LIST}


def test_files_of_others_are_left_and_a_folder_of_them_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SiteFolderError, match="holds files of others"):
        SiteFolder(tmp_path).replace(FILES)
    (tmp_path / "mine.txt").rename(tmp_path.parent / "mine.txt")
    SiteFolder(tmp_path).replace(FILES)
    (tmp_path / "CNAME").write_text("status.example.com")
    SiteFolder(tmp_path).replace({"index.html": b"2"})
    assert names(tmp_path) == {"index.html", "CNAME", LIST}


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../x", "a//x", ".x", "a\\x", "a\nb", "x" * 200, ""])
def test_a_name_that_leads_elsewhere_is_refused_also_in_the_list(tmp_path: Path, name: str) -> None:
    with pytest.raises(SiteFolderError, match="no name for a file"):
        SiteFolder(tmp_path).replace({name: b""})
    (tmp_path / LIST).write_text(json.dumps([name]))
    with pytest.raises(SiteFolderError, match="no list of an export"):
        SiteFolder(tmp_path).replace(FILES)


def test_a_link_leads_no_file_out_of_the_folder(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "site"
    outside.mkdir()
    (outside / "secret").write_text("kept")
    SiteFolder(folder).replace(FILES)
    (folder / "assets" / "a.css").unlink()
    (folder / "assets").rmdir()
    (folder / "assets").symlink_to(outside)
    with pytest.raises(SiteFolderError, match="is no folder of its own"):
        SiteFolder(folder).replace(FILES)
    (folder / "index.html").unlink()
    (folder / "index.html").symlink_to(outside / "secret")
    (folder / "assets").unlink()
    SiteFolder(folder).replace(FILES)
    assert (outside / "secret").read_text() == "kept" and (folder / "index.html").read_bytes() == b"<p>1"


def test_two_exports_at_once_do_not_mix(tmp_path: Path) -> None:
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with pytest.raises(SiteFolderError, match="another export writes"):
            SiteFolder(tmp_path).replace(FILES)
    finally:
        os.close(held)
