"""What a worker says when its environment is wrong: one line, and what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from probes.seal import generate_keypair
from probes.worker.settings import SettingsError, read
from tests.probes.loopback import closed_port

KEYS = {"VIGIL_REGION_KEY": generate_keypair()[0], "VIGIL_CONTROL_KEYS": "A" * 43 + "="}
GOOD = {"VIGIL_REGION": "eu-west", "VIGIL_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0", **KEYS}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("EGRESS", "PROBE_SOURCE", "HEALTH_PORT", "REDIS_PLAINTEXT"):
        monkeypatch.delenv(f"VIGIL_{name}", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_environment_is_read_and_never_shown_whole(environment: pytest.MonkeyPatch) -> None:
    private, public = generate_keypair()
    environment.setenv("VIGIL_REGION_KEY", private)
    settings = read({})
    assert (settings.region, settings.egress, settings.health_port) == ("eu-west", "public", 0)
    assert settings.identity().opener.public == public
    assert "hunter2" not in repr(settings)
    assert private not in repr(settings)


def test_s08_redis_without_tls_is_taken_in_a_network_that_is_called_private(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VIGIL_REDIS_URL", "redis://:hunter2@redis:6379/0")
    environment.setenv("VIGIL_REDIS_PLAINTEXT", "private-network")
    assert read({}).redis_url.get_secret_value().endswith("@redis:6379/0")


def test_the_command_line_names_the_region_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    assert read({"region": "us-east"}).region == "us-east"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"VIGIL_REGION": None}, "VIGIL_REGION is missing: give --region NAME or set VIGIL_REGION"),
        (
            {"VIGIL_REGION": "EU West"},
            "VIGIL_REGION is wrong: a region name is up to 40 of a-z, 0-9 and -, like eu-west",
        ),
        ({"VIGIL_REDIS_URL": None}, "VIGIL_REDIS_URL is missing: set VIGIL_REDIS_URL"),
        (
            {"VIGIL_REDIS_URL": "http://:hunter2@x"},
            "VIGIL_REDIS_URL is wrong: must look like redis://user:password@host:6379/0, or rediss:// with TLS",
        ),
        (
            {"VIGIL_REDIS_URL": "redis://:hunter2@redis:6379/0"},
            "VIGIL_REDIS_URL is wrong: must be rediss:// off this machine: redis:// shows the password and all results "
            "on the way. In a network of this installation only, VIGIL_REDIS_PLAINTEXT=private-network allows it",
        ),
        (
            {"VIGIL_REGION_KEY": "hunter2"},
            "VIGIL_REGION_KEY is wrong: the private key that `region add` printed: 32 bytes in base64",
        ),
        (
            {"VIGIL_REGION_KEY": None},
            "VIGIL_REGION_KEY is missing: "
            "enrol this worker by the line that `region rotate NAME` prints, and give --identity FILE",
        ),
        (
            {"VIGIL_CONTROL_KEYS": None},
            "VIGIL_CONTROL_KEYS is missing: "
            "enrol this worker by the line that `region rotate NAME` prints, and give --identity FILE",
        ),
        (
            {"VIGIL_CONTROL_KEYS": "hunter2"},
            "VIGIL_CONTROL_KEYS is wrong: the public keys that `region add` printed: base64, separated by commas",
        ),
        (
            {"VIGIL_EGRESS": "secret"},
            "VIGIL_EGRESS is wrong: 'secret' is not `public`, `private` or a network: "
            "write 10.0.0.0/8, 10.0.0.0/8:443 or [fd12::/16]:443",
        ),
        ({"VIGIL_PROBE_SOURCE": "eth0"}, "VIGIL_PROBE_SOURCE is wrong: an IP address of this host"),
        ({"VIGIL_HEALTH_PORT": "99999"}, "VIGIL_HEALTH_PORT is wrong: a port between 0 (none) and 65535"),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_to_do(
    environment: pytest.MonkeyPatch, changes: Mapping[str, str | None], line: str
) -> None:
    for name, value in changes.items():
        if value is None:
            environment.delenv(name)
        else:
            environment.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        read({})
    assert str(refused.value) == line


def run_worker(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "probes", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_bad_region_name_ends_the_worker_with_one_line() -> None:
    ended = run_worker("--region", "No_Such", **{**GOOD, "VIGIL_REGION": "No_Such"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "vigil-probe: VIGIL_REGION is wrong: a region name is up to 40 of a-z, 0-9 and -, like eu-west\n"
    )


def test_help_teaches_the_environment() -> None:
    ended = run_worker("--help")
    assert ended.returncode == 0
    assert "VIGIL_REGION_KEY" in ended.stdout


def test_an_unreachable_redis_ends_the_worker_with_one_line_without_its_password() -> None:
    port = closed_port()
    ended = run_worker("--region", "eu-west", VIGIL_REDIS_URL=f"redis://:hunter2@127.0.0.1:{port}/0", **KEYS)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"vigil-probe: no Redis at redis://***@127.0.0.1:{port}/0 for 10 s: "
        "start it, or set VIGIL_REDIS_URL to where it is\n"
    )
