"""What people copy works: run where the runtime is at hand, parsed by its own rules where it is not."""

from __future__ import annotations

import ast
import asyncio
import configparser
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cronsim import CronSim

from vigil.heartbeats.core.pings.address import PingCall, read_target
from vigil.heartbeats.core.pings.body import read_facts
from vigil.heartbeats.showing.snippets import SNIPPETS

CHECKOUT = Path(__file__).resolve().parents[4]
PLACEHOLDER = "https://vigil.example.com/ping/CODE"
CODE = "0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"


class Heard:
    """Hears pings as a receiver would: each call read by the receiver's own rules, with its body."""

    def __init__(self) -> None:
        self.calls: list[tuple[PingCall, bytes]] = []
        self.answer = 200
        heard = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = read_target(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if call is not None:
                    heard.calls.append((call, body))
                self.send_response(heard.answer if call else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/ping/{CODE}"

    @property
    def said(self) -> list[tuple[str, int | None]]:
        return [(call.kind.value, call.exit_code) for call, _ in self.calls]


@pytest.fixture
def heard() -> Iterator[Heard]:
    listening = Heard()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()


def snippet(name: str, heard: Heard) -> str:
    return SNIPPETS[name].for_address(heard.url)


def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, **more)


def vigil_ping(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "vigil.heartbeats.vigil_ping", *arguments])


def test_vigil_ping_tells_start_exit_code_and_the_last_output_of_one_run(heard: Heard) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = vigil_ping(heard.url, "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert heard.said == [("start", None), ("fail", 3)]
    assert len({call.rid for call, _ in heard.calls}) == 1
    assert set(heard.calls[1][1].split()) == {b"out", b"err"}


def test_vigil_ping_sends_lines_of_two_streams_whole(heard: Heard) -> None:
    script = (
        "import os, time\n"
        "for number in range(50):\n"
        "    os.write(1, b'out' + str(number).encode()); time.sleep(0.002); os.write(2, b'err\\n')\n"
        "    os.write(1, b' done\\n')\n"
        "os.write(1, b'the end'); os.write(2, b'no newline')"
    )
    vigil_ping(heard.url, "--", sys.executable, "-c", script)
    lines = heard.calls[1][1].split(b"\n")
    assert sorted(lines) == sorted(
        [b"out%d done" % number for number in range(50)] + [b"err"] * 50 + [b"the end", b"no newline"]
    )


def test_vigil_ping_breaks_no_job_when_vigil_is_away() -> None:
    done = vigil_ping("http://127.0.0.1:1/ping/x", "--", sys.executable, "-c", "print('fine')")
    assert (done.returncode, done.stdout) == (0, "fine\n")
    assert "Vigil was not told of /0" in done.stderr
    assert vigil_ping("--", sys.executable, "-c", "print('fine')").stdout == "fine\n"


def test_vigil_ping_tells_of_a_command_that_cannot_run_and_of_one_that_was_killed(heard: Heard) -> None:
    assert vigil_ping(heard.url, "--", "/no/such/command").returncode == 127
    assert vigil_ping(heard.url, "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert heard.said == [("start", None), ("fail", 127), ("start", None), ("fail", 137)]
    assert b"No such file" in heard.calls[1][1]


def test_vigil_ping_runs_as_a_copied_file(heard: Heard, tmp_path: Path) -> None:
    copied = tmp_path / "vigil_ping.py"
    copied.write_bytes((CHECKOUT / "vigil/heartbeats/vigil_ping.py").read_bytes())
    done = run([sys.executable, "-I", str(copied), heard.url, "--", "true"])
    assert done.returncode == 0
    assert heard.said == [("start", None), ("success", 0)]


@pytest.mark.parametrize(("code", "kind"), [(0, "success"), (7, "fail")])
def test_the_curl_snippet_tells_exit_code_and_output(heard: Heard, tmp_path: Path, code: int, kind: str) -> None:
    (tmp_path / "embed.py").write_text(f"print('embedded'); raise SystemExit({code})")
    (tmp_path / "python").symlink_to(sys.executable)
    text = f'PATH="$PWD:$PATH"\n{snippet("curl", heard)}'
    done = run(["sh", "-c", text], cwd=tmp_path)
    assert done.stderr == ""
    assert heard.said == [("start", None), (kind, code)]
    assert heard.calls[1][1] == b"embedded"
    assert len({call.rid for call, _ in heard.calls}) == 1


def test_the_crontab_line_is_one_and_tells_the_exit_code(heard: Heard) -> None:
    line = snippet("crontab", heard)
    fields = line.split(None, 5)
    CronSim(" ".join(fields[:5]), __import__("datetime").datetime(2026, 1, 1))
    run(["sh", "-c", fields[5].replace("/srv/embed/embed.sh", "false")])
    assert heard.said == [("fail", 1)]


@pytest.mark.parametrize("fails", [False, True])
def test_the_python_snippets_tell_what_a_run_yielded(heard: Heard, fails: bool) -> None:
    def work() -> tuple[int, int, float]:
        if fails:
            raise ValueError("rate limited")
        return 12, 3_400, 0.5

    async def work_async() -> tuple[int, int, float]:
        return work()

    def sync() -> None:
        exec(compile(snippet("python", heard), "snippet", "exec"), {"run": work})

    def asynchronous() -> None:
        names: dict[str, Any] = {"run": work_async}
        exec(compile(snippet("python-async", heard), "snippet", "exec"), names)
        asyncio.run(names["main"]())

    for each in (sync, asynchronous):
        heard.calls.clear()
        if fails:
            with pytest.raises(ValueError):
                each()
        else:
            each()
        assert heard.said == [("start", None), ("fail" if fails else "success", None)]
        facts = read_facts(heard.calls[1][1])
        assert (facts.items, facts.cost, facts.error) == ((None, None, "rate limited") if fails else (12, 0.5, ""))


def test_the_celery_snippet_tells_of_every_task_by_its_id(heard: Heard) -> None:
    script = f"""
{snippet("celery", heard)}
from celery import Celery
app = Celery("jobs", broker="memory://")
app.conf.task_always_eager = True
@app.task(name="jobs.embed")
def embed(fails):
    if fails:
        raise ValueError("no quota")
@app.task(name="jobs.other")
def other(): pass
embed.delay(False); other.delay(); embed.delay(True)
"""
    done = run([sys.executable, "-c", script])
    assert done.returncode == 0, done.stderr
    assert heard.said == [("start", None), ("success", None), ("start", None), ("fail", None)]
    rids = [call.rid for call, _ in heard.calls]
    assert rids[0] == rids[1] != rids[2] == rids[3]
    assert read_facts(heard.calls[3][1]).error == "no quota"


@pytest.mark.parametrize("fails", [False, True])
def test_the_node_snippet_tells_what_a_run_yielded(heard: Heard, tmp_path: Path, fails: bool) -> None:
    body = 'throw new Error("no quota")' if fails else "return { items: 12, tokens: 5, cost: 0.5 }"
    script = tmp_path / "job.mjs"
    script.write_text(f"const run = async () => {{ {body}; }};\n{snippet('node', heard)}")
    done = run(["node", str(script)])
    assert (done.returncode != 0) is fails
    assert heard.said == [("start", None), ("fail" if fails else "success", None)]
    facts = read_facts(heard.calls[1][1])
    assert (facts.items, "no quota" in facts.error) == (None if fails else 12, fails)


def test_the_kubernetes_snippet_is_a_cron_job_whose_command_tells_its_exit_code(heard: Heard, tmp_path: Path) -> None:
    job = yaml.safe_load(snippet("kubernetes", heard))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (tmp_path / "python").write_text("#!/bin/sh\nexit 4\n")
    (tmp_path / "python").chmod(0o755)
    text = f'PATH="$PWD:$PATH" HOSTNAME=embed-1\n{container["args"][0]}'
    assert run([*container["command"], text], cwd=tmp_path).returncode == 4
    assert heard.said == [("start", None), ("fail", 4)]
    assert {call.rid for call, _ in heard.calls} == {"embed-1"}


def test_the_github_snippet_is_a_workflow(tmp_path: Path) -> None:
    file = tmp_path / "embed.yaml"
    file.write_text(SNIPPETS["github-actions"].for_address(PLACEHOLDER))
    done = run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("script", "told"), [("exit 5", ("fail", 5)), ("exit 0", ("success", 0)), ("kill -9 $$", ("fail", None))]
)
def test_b2_01_the_systemd_snippet_is_a_service_that_tells_its_exit_status(
    heard: Heard, script: str, told: tuple[str, int | None]
) -> None:
    # systemd names the signal of a killed process in place of its code.
    code = run(["sh", "-c", script]).returncode
    status = signal.Signals(-code).name.removeprefix("SIG") if code < 0 else str(code)
    unit = configparser.RawConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(snippet("systemd", heard))
    service = unit["Service"]
    for line in ("ExecStartPre", "ExecStopPost"):
        command = service[line].removeprefix("-").replace("${INVOCATION_ID}", "a1").replace("${EXIT_STATUS}", status)
        assert run(command.split()).returncode == 0
    assert heard.said == [("start", None), told]
    assert heard.calls[1][0].word == ("KILL" if code < 0 else "")


@pytest.mark.parametrize("name", ["airflow", "prefect", "dagster", "temporal"])
def test_the_snippets_of_schedulers_that_are_not_here_are_python_that_calls_the_address(name: str) -> None:
    tree = ast.parse(SNIPPETS[name].for_address(PLACEHOLDER))
    posts = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "post"]
    assert posts
    assert PLACEHOLDER in ast.unparse(tree)


def test_powershell_is_told_its_addresses_in_full() -> None:
    text = SNIPPETS["powershell"].for_address(PLACEHOLDER)
    assert text.count(PLACEHOLDER) == 2
    assert text.count("{") == text.count("}")
    # Without braces PowerShell would read `$code?rid` as one name.
    assert "${code}?rid=$rid" in text


@pytest.mark.parametrize("name", SNIPPETS)
def test_the_documentation_shows_what_the_pages_show(name: str) -> None:
    documented = (CHECKOUT / "deploy" / "guide" / "heartbeats.md").read_text()
    assert SNIPPETS[name].for_address(PLACEHOLDER) in documented


def test_every_file_of_the_folder_is_a_snippet_with_an_address_in_it() -> None:
    folder = CHECKOUT / "vigil" / "heartbeats" / "showing" / "snippets"
    assert {one.file for one in SNIPPETS.values()} == {path.name for path in folder.iterdir() if path.is_file()} - {
        "__init__.py"
    }
    assert all(PLACEHOLDER in one.for_address(PLACEHOLDER) for one in SNIPPETS.values())
