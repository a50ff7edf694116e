"""Whatever is wrong, a command says so in one clear line and exits non-zero."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
ENV = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}


def refusal(arguments: list[str], env: dict[str, str] | None = None) -> str:
    """The one line that a refused command says."""
    done = subprocess.run(
        [sys.executable, "-m", "vigil.cli", *arguments],
        env=ENV | {"PYTHONPATH": str(CHECKOUT)} | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" or done.stdout.startswith("vigil: starting")
    assert done.stderr.startswith("vigil: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        said = refusal(["up", "--data-dir", str(tmp_path), "--port", port])
    assert said == f"vigil: port {port} is in use: choose another with --port, or leave it out for a free one\n"


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_a_port_that_is_none(port: str) -> None:
    assert "--port" in refusal(["up", "--port", port])


@pytest.mark.parametrize("name", ["web", "ping"])
def test_a_process_on_a_port_that_is_none(name: str) -> None:
    assert refusal(["run", name, "--port", "0"]) == "vigil: 0 is not a port: use 1 to 65535\n"


def test_an_unwritable_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "name another with --data-dir" in refusal(["up", "--data-dir", str(tmp_path / "file" / "data")])


def test_an_unreachable_redis(tmp_path: Path) -> None:
    env = {"VIGIL_REDIS_URL": "redis://:hidden@127.0.0.1:1/0", "VIGIL_DATABASE_URL": os.environ["VIGIL_DATABASE_URL"]}
    env["VIGIL_DATABASE_URL"] = env["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + "/postgres"
    said = refusal(["up", "--data-dir", str(tmp_path)], env)
    assert "cannot reach the Redis that VIGIL_REDIS_URL names" in said
    assert "hidden" not in said


def test_an_unreachable_postgresql(tmp_path: Path) -> None:
    said = refusal(["up", "--data-dir", str(tmp_path)], {"VIGIL_DATABASE_URL": "postgresql://v:hidden@127.0.0.1:1/v"})
    assert "cannot reach the PostgreSQL that VIGIL_DATABASE_URL names" in said
    assert "hidden" not in said


@pytest.mark.parametrize("name", ["EU", "-eu", "eu west", "x" * 41, ""])
def test_a_bad_region_name(name: str) -> None:
    assert "is not a region name" in refusal(["region", "add", "--domain", "aws", "--", name])


def test_a_command_on_a_folder_where_nothing_runs(tmp_path: Path) -> None:
    assert "start it with `python3 manage.py up`" in refusal(["login", "--data-dir", str(tmp_path)])


def test_a_command_that_does_not_exist() -> None:
    said = refusal(["frobnicate"], {name: value for name, value in os.environ.items() if name.startswith("VIGIL_")})
    assert said == "vigil: there is no command `frobnicate`: see `manage.py help`\n"


@pytest.mark.parametrize("command", [["run", "ingest"], ["ingest"]])
def test_a_process_whose_servers_were_never_there(command: list[str]) -> None:
    env = {name: value for name, value in os.environ.items() if name.startswith("VIGIL_")}
    env["VIGIL_DATABASE_URL"] = "postgresql://v:hidden@127.0.0.1:1/v"
    said = refusal(command, env)
    assert "cannot reach the PostgreSQL that VIGIL_DATABASE_URL names" in said
    assert "hidden" not in said
