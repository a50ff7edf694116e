"""Our own PostgreSQL starts, keeps its data, and survives every leftover of an earlier run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.standins import is_alive
from tests.waiting import until
from vigil.local import children
from vigil.local.errors import CannotStart
from vigil.local.servers import ports, postgres, postgres_binaries

PASSWORD = "correct horse/battery@staple"


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Not tmp_path: pytest closes that to other accounts, and root's PostgreSQL runs as one.
    path = Path(tempfile.mkdtemp(prefix="vigil-postgres-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_data_survives_a_restart(home: Path) -> None:
    with postgres.running(home, PASSWORD, home / "log") as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with postgres.running(home, PASSWORD, home / "log") as server:
        assert ask(server.url, "SELECT answer FROM kept") == 42


def test_a_server_left_over_by_a_killed_parent_is_ended_first(home: Path) -> None:
    server = postgres.prepare(home, PASSWORD, ports.take_free_port())
    options = children.popen_options(postgres.STOP_SIGNAL, server.account)
    with (home / "log").open("ab") as log:
        left_over = subprocess.Popen(server.argv, env=server.env, cwd=server.cluster, stderr=log, **options)
    try:
        until(server.is_ready)
        with postgres.running(home, PASSWORD, home / "log") as second:
            assert second.is_ready()
            assert not is_alive(left_over.pid)
    finally:
        children.stop(left_over, signal.SIGQUIT)


def test_a_lock_file_with_the_number_of_another_process_does_no_harm(home: Path) -> None:
    with postgres.running(home, PASSWORD, home / "log") as server:
        lock = (server.cluster / "postmaster.pid").read_text()
    number = os.getppid()
    (server.cluster / "postmaster.pid").write_text("\n".join([str(number), *lock.splitlines()[1:]]) + "\n")
    with postgres.running(home, PASSWORD, home / "log") as again:
        assert again.is_ready()
    assert is_alive(number)


def test_half_a_cluster_is_made_again(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with postgres.running(home, PASSWORD, home / "log") as server:
        assert ask(server.url, "SHOW server_encoding") == "UTF8"


def test_the_password_is_asked_for_and_shown_nowhere(home: Path) -> None:
    with postgres.running(home, PASSWORD, home / "log") as server:
        assert PASSWORD not in repr(server)
        assert not any(PASSWORD in argument for argument in server.argv)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://vigil:wrong@127.0.0.1:{server.port}/vigil", connect_timeout=5)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://vigil:secret@127.0.0.1:1/vigil", "cannot reach the PostgreSQL that VIGIL_DATABASE_URL names"),
        ("mysql://vigil:secret@127.0.0.1/vigil", "VIGIL_DATABASE_URL is not a PostgreSQL address"),
    ],
)
def test_a_named_server_that_does_not_answer_is_one_clear_line(url: str, said: str) -> None:
    with pytest.raises(CannotStart, match=said) as refused:
        postgres.check_url(url)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_named_server_that_answers_is_accepted(postgres_server: str) -> None:
    postgres.check_url(postgres_server.rsplit("/", 1)[0] + "/postgres")


def test_n4_a_folder_on_path_that_may_not_be_entered_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(type(tmp_path)):  # type: ignore[misc]
        """What an ordinary user meets where root alone may enter; root itself may enter everywhere."""

        def is_file(self) -> bool:
            raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(postgres_binaries, "Path", Closed)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert postgres_binaries.find(None).major >= postgres_binaries.OLDEST_MAJOR
