"""A data folder is held by one process, keeps its secrets to itself and remembers its addresses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from vigil.cli.connection import environment_of_running
from vigil.local.errors import CannotStart
from vigil.local.folder import AlreadyRunning, DataFolder, StoredState, is_held, read_settings


def test_a_second_claim_on_the_same_folder_says_who_runs_there(tmp_path: Path) -> None:
    with DataFolder.claim(tmp_path) as folder:
        folder.remember(StoredState(pid=4711, address="http://127.0.0.1:8000"))
        with pytest.raises(AlreadyRunning, match=r"already running \(pid 4711\) at http://127\.0\.0\.1:8000"):
            DataFolder.claim(tmp_path)
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot write to the data folder .*--data-dir"):
        DataFolder.claim(tmp_path / "file" / "data")


def test_secrets_are_made_once_and_only_we_can_read_them(tmp_path: Path) -> None:
    with DataFolder.claim(tmp_path) as folder:
        first = folder.secrets(("one",))
        second = folder.secrets(("one", "two"))
    assert second.secret_key == first.secret_key
    assert second.region_keys["one"] == first.region_keys["one"]
    assert set(second.region_keys) == {"one", "two"}
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert first.database_password not in repr(first)


def test_damaged_secrets_are_named_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with DataFolder.claim(tmp_path) as folder, pytest.raises(CannotStart, match=r"secrets\.json is damaged"):
        folder.secrets()
    assert (tmp_path / "secrets.json").read_text() == "{"


def test_lost_secrets_are_missed_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with (
        DataFolder.claim(tmp_path) as folder,
        pytest.raises(CannotStart, match=r"secrets\.json is missing.*restore the file"),
    ):
        folder.secrets()
    assert not (tmp_path / "secrets.json").exists()


def test_f16_what_it_was_started_with_is_kept_for_other_terminals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"VIGIL_EMAIL_URL": "smtp://u:fake@127.0.0.1", "VIGIL_EMPTY": "", "VIGIL_DATA_DIR": "/x", "PATH": "/bin"}
    monkeypatch.delenv("VIGIL_EMAIL_URL", raising=False)
    for name in ("VIGIL_DATABASE_URL", "VIGIL_REDIS_URL", "VIGIL_SECRET_KEY", "VIGIL_SEAL_KEYS"):
        monkeypatch.delenv(name, raising=False)
    with DataFolder.claim(tmp_path) as folder:
        folder.secrets()
        folder.remember(StoredState(address="http://127.0.0.1:1", postgres_port=1, redis_port=2))
        folder.remember_settings(given)
        assert read_settings(tmp_path) == {"VIGIL_EMAIL_URL": "smtp://u:fake@127.0.0.1"}
        assert (tmp_path / "settings.json").stat().st_mode & 0o777 == 0o600
        found = environment_of_running(str(tmp_path))
        assert found["VIGIL_EMAIL_URL"] == "smtp://u:fake@127.0.0.1"
        # What this terminal names itself counts first.
        monkeypatch.setenv("VIGIL_EMAIL_URL", "smtp://other")
        assert environment_of_running(str(tmp_path))["VIGIL_EMAIL_URL"] == "smtp://other"


def test_addresses_are_remembered(tmp_path: Path) -> None:
    with DataFolder.claim(tmp_path) as folder:
        folder.remember(StoredState(web_port=8001))
    with DataFolder.claim(tmp_path) as folder:
        assert folder.state().web_port == 8001
