"""`backup` and `restore` as a person runs them: a real database goes into one file, and comes back whole."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from tests.vigil.backup.databases import address_of_test_database, empty_database, everything_in, stand_in
from tests.waiting import until
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.backup import database
from vigil.backup.core.contents import Keys
from vigil.backup.making import BackupSource, make_backup
from vigil.backup.restoring import RestoreTarget, read_backup, restore
from vigil.cli import main
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.local.errors import CannotStart
from vigil.monitors.changes import create_monitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

PASSPHRASE = "obviously not secret"
CHECKOUT = Path(__file__).resolve().parents[3]


def call(*arguments: object, env: Mapping[str, str], code: int = 0) -> str:
    """What a command says on both outputs."""
    done = subprocess.run(
        command(*arguments),
        env={**os.environ, "VIGIL_BACKUP_PASSPHRASE": PASSPHRASE, **env},
        cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "vigil.cli", *map(str, arguments)]


@pytest.fixture
def source(postgres_server: str) -> dict[str, str]:
    """The environment of an installation with a monitor that has a secret, an incident and a token."""
    create_monitor(
        default_team(),
        {
            "name": "payments",
            "kind": "http",
            "config": {"url": "https://example.test/"},
            "secrets": {"bearer": "obviously-fake"},
        },
    )
    now = timezone.now()
    Incident.objects.create(team=default_team(), kind=IncidentKind.BLIND, title="a disk", started_at=now, opened_at=now)
    issue_token(default_team(), "ci", [Scope.READ])
    return {"VIGIL_DATABASE_URL": address_of_test_database(postgres_server)}


def backed_up(source: Mapping[str, str], place: Path) -> Path:
    file, url = place / "vigil.backup", source["VIGIL_DATABASE_URL"]
    make_backup(
        BackupSource(url, Keys(os.environ["VIGIL_SECRET_KEY"], os.environ["VIGIL_SEAL_KEYS"]), PASSPHRASE), file
    )
    return file


def restored(file: Path, url: str, replace: bool = False) -> None:
    backup, _ = read_backup(file, PASSPHRASE)
    restore(backup, RestoreTarget(url, backup.manifest.migrations, replace))


@pytest.fixture
def target(postgres_server: str) -> Iterator[dict[str, str]]:
    with empty_database(postgres_server) as url:
        yield {"VIGIL_DATABASE_URL": url}


def test_every_row_comes_back_in_an_empty_database_and_its_secrets_open(
    source: dict[str, str], target: dict[str, str], tmp_path: Path
) -> None:
    file, keys = tmp_path / "vigil.backup", tmp_path / "vigil.keys"
    said = json.loads(call("backup", file, "--verify", "--json", env=source))
    assert said["rows"]["monitors_monitor"] == 1 and said["has_keys"] and said["verified"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"VIGIL_" not in file.read_bytes()

    call("restore", file, "--keys-to", keys, env=target)
    restored, before = everything_in(target["VIGIL_DATABASE_URL"]), everything_in(source["VIGIL_DATABASE_URL"])
    assert restored == before and restored["monitors_monitor"] and restored["accounts_apitoken"]

    kept = dict(line.split("=", 1) for line in keys.read_text().splitlines())
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    with psycopg.connect(target["VIGIL_DATABASE_URL"]) as opened:
        (sealed,) = opened.execute("SELECT secrets FROM monitors_monitor").fetchone() or ("",)
    assert json.loads(Fernet(kept["VIGIL_SEAL_KEYS"]).decrypt(sealed.encode())) == {"bearer": "obviously-fake"}


def test_no_session_is_in_a_backup(source: dict[str, str], target: dict[str, str], tmp_path: Path) -> None:
    # The key of a session signs in who reads it.
    session = SessionStore()
    session.create()
    call("restore", backed_up(source, tmp_path), "--keys-to", tmp_path / "vigil.keys", env=target)
    assert everything_in(source["VIGIL_DATABASE_URL"])["django_session"] != []
    assert everything_in(target["VIGIL_DATABASE_URL"])["django_session"] == []


def test_a_database_that_is_in_use_or_not_empty_is_left_alone(
    source: dict[str, str], target: dict[str, str], tmp_path: Path
) -> None:
    file, url = backed_up(source, tmp_path), target["VIGIL_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
        with pytest.raises(CannotStart, match="not empty"):
            restored(file, url)
        with pytest.raises(CannotStart, match="stop every process"):
            restored(file, url, replace=True)
    assert everything_in(url) == {"mine": [("(1)",)]}
    restored(file, url, replace=True)
    assert everything_in(url) == everything_in(source["VIGIL_DATABASE_URL"])


def test_autovacuum_is_no_process_of_vigil(postgres_server: str) -> None:
    with psycopg.connect(address_of_test_database(postgres_server)) as one:
        # A temporary table is found before the view of this name.
        one.execute("CREATE TEMP TABLE pg_stat_activity AS TABLE pg_catalog.pg_stat_activity WITH NO DATA")
        for pid, kind, others in ((-1, "autovacuum worker", 0), (-2, "client backend", 1)):
            row = [pid, kind]
            one.execute(
                "INSERT INTO pg_stat_activity (datname, pid, backend_type) VALUES (current_database(), %s, %s)", row
            )
            assert database.others_connected(one) == others


def test_a_passphrase_that_is_no_text_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIGIL_BACKUP_PASSPHRASE", os.fsdecode(b"\xff\xfe of a drill"))
    assert main(["restore", str(tmp_path / "vigil.backup")]) == 2
    assert "no text in UTF-8" in capsys.readouterr().err


def test_a_restore_that_fails_puts_back_what_was_there(
    source: dict[str, str], target: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, url = backed_up(source, tmp_path), target["VIGIL_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
    monkeypatch.setenv("PATH", stand_in(tmp_path, "pg_restore", "exit 3")["PATH"])
    with pytest.raises(CannotStart, match="pg_restore failed"):
        restored(file, url, replace=True)
    assert everything_in(url) == {"mine": [("(1)",)]}


def test_a_restore_that_was_cut_off_is_begun_again(
    source: dict[str, str], target: dict[str, str], tmp_path: Path
) -> None:
    file, url = backed_up(source, tmp_path), target["VIGIL_DATABASE_URL"]
    with database.connected(url) as cut:
        cut.execute("CREATE TABLE mine (n int)")
        database.put_aside(cut)
    with pytest.raises(CannotStart, match="not empty"):
        restored(file, url)
    restored(file, url, replace=True)
    assert everything_in(url) == everything_in(source["VIGIL_DATABASE_URL"])


def test_a_backup_that_is_killed_leaves_no_file_that_passes_for_one(source: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "vigil.backup"
    slow = stand_in(tmp_path, "pg_dump", "echo $$ > pid; head -c 3000000 /dev/zero; exec sleep 600")
    process = subprocess.Popen(
        command("backup", file),
        env={**os.environ, "VIGIL_BACKUP_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(CHECKOUT), **source, **slow},
        cwd=tmp_path, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: [each for each in tmp_path.glob(".*.unfinished") if each.stat().st_size > 2_000_000], within_s=90)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    (unfinished,) = tmp_path.glob(".*.unfinished")
    assert not file.exists()
    assert "no whole backup" in call("restore", unfinished, "--verify", env=source, code=2)
    # What it had started ends with it.
    dump = Path("/proc") / (tmp_path / "pid").read_text().strip()
    until(lambda: not dump.exists() or "Z" in (dump / "stat").read_text().rsplit(")", 1)[1].split()[0])


def test_a_file_that_is_there_is_not_replaced_by_accident(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vigil.backup"
    file.write_text("mine")
    assert main(["backup", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err and file.read_text() == "mine"


def test_a_dump_that_fails_is_one_line_and_leaves_no_file(
    source: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = stand_in(tmp_path, "pg_dump", "echo 'pg_dump: error: it broke' >&2; exit 1")
    monkeypatch.setenv("PATH", broken["PATH"])
    with pytest.raises(CannotStart, match=r"\Apg_dump failed: it broke\Z"):
        backed_up(source, tmp_path)
    assert [each.name for each in tmp_path.iterdir() if "backup" in each.name] == []
