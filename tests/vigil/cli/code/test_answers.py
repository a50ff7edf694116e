"""What commands of monitors as code print and refuse, whatever answers them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.db import connection

from vigil.cli import main
from vigil.cli.code.remote_installation import RemoteInstallation
from vigil.cli.errors import CommandError
from vigil.code.load import load
from vigil.monitors.models import Monitor

TEXT = "version: 1\nmonitors: {a: {tcp: {host: h.example, port: 1}}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vigil.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("answer", [{}, {"id": "pln_0"}, {"errors": ["x"]}, {"detail": 3}, []])
@pytest.mark.parametrize("code", [200, 400])
def test_an_answer_of_something_else_is_one_line(file: Path, answer: object, code: int) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(code, json=answer))
    there = RemoteInstallation("http://other.example", "vgl_x", transport)
    for ask in (lambda: there.plan(load(file), False), lambda: there.apply("pln_0"), lambda: there.export("a", False)):
        with pytest.raises(CommandError):
            ask()


def test_plan_takes_one_form_and_a_plan_is_not_pruned_later(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["plan", "--json", "--markdown"])
    assert left.value.code == 1
    assert main(["apply", "pln_0123456789abcdef", "--prune"]) == 2
    assert "plan --prune" in capsys.readouterr().err


@pytest.mark.django_db
def test_an_answer_that_ends_before_the_yes_deletes_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["apply", str(file)])
    file.write_text("version: 1\n")
    ended = io.StringIO("")
    monkeypatch.setattr(ended, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", ended)
    capsys.readouterr()
    assert main(["apply", str(file), "--prune", "--json"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "Type yes" in told.err and "nothing was applied" in told.err
    assert Monitor.objects.get().deleted_at is None


def test_log_lines_stay_out_of_what_a_command_prints() -> None:
    said = (
        "import json, structlog; from vigil.cli import connection; connection._log_to_stderr();"
        "structlog.get_logger().info('plan.applied'); print(json.dumps({}))"
    )
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(ran.stdout) == {} and "plan.applied" in ran.stderr


@pytest.mark.django_db
def test_a_database_of_another_version_is_one_line(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT later FROM monitors_monitor")

    monkeypatch.setattr("vigil.code.plans.make_plan", ask)
    assert main(["plan", str(file)]) == 1
    assert "the database is of another version of Vigil: column" in capsys.readouterr().err


def test_counts_are_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEXT + "people: {ann: {}, bob: {}}\n")
    assert main(["validate", str(file)]) == 0
    assert "2 people, 1 monitor\n" in capsys.readouterr().out
