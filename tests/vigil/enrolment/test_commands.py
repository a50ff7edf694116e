"""Commands that enrol a worker do in a shell what they say, as they are printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vigil.enrolment.core.commands import FORMS, EnrolmentPlace, commands

CHECKOUT = Path(__file__).resolve().parents[3]
_TOLD = """
pipx() { printf 'pipx\\n'; printf '%s\\n' "$@"; }
uvx() { printf 'uvx %s\\n' "$VIGIL_EGRESS"; printf '%s\\n' "$@"; }
vigil-probe() { printf 'vigil-probe %s\\n' "$VIGIL_EGRESS"; printf '%s\\n' "$@"; }
"""
_FILE = "home/.local/state/vigil/eu-west.json"


def lines(egress: str = "private", region: str = "eu-west", url: str = "https://vigil.example.com") -> dict[str, str]:
    return commands(EnrolmentPlace(region, egress, url), "vge_code")


def enrol_words(home: Path) -> list[str]:
    return ["enrol", "https://vigil.example.com", "vge_code", "--file", str(home / _FILE), "--run"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("pipx", ["pipx", "install", "./vigilmon-0.2.0-py3-none-any.whl[probe]", "vigil-probe private"]),
        ("uv", ["uvx private", "--from", "./vigilmon-0.2.0-py3-none-any.whl[probe]", "vigil-probe"]),
    ],
)
def test_pipx_and_uv_are_given_the_newest_wheel_with_what_a_worker_needs(
    tmp_path: Path, form: str, expected: list[str]
) -> None:
    for age, name in enumerate(["vigilmon-0.2.0-py3-none-any.whl", "vigilmon-0.1.0-py3-none-any.whl"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    script = _TOLD + lines()[form]
    env = {**os.environ, "HOME": str(tmp_path / "home")}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == [*expected, *enrol_words(tmp_path)]


def test_the_line_of_a_checkout_runs_with_a_python_that_has_no_packages(tmp_path: Path) -> None:
    python = Path(sys.base_prefix) / "bin" / "python3"
    script = f'python3() {{ {python} -I "$@"; }}\n{lines(url="http://vigil.example.com")["checkout"]}'
    env = {**os.environ, "HOME": str(tmp_path), "VIGIL_VENV": sys.prefix}
    done = subprocess.run(["bash", "-c", script], cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("vigil-probe: http://vigil.example.com is not encrypted"), done.stderr


@pytest.mark.parametrize("form", ["systemd", "pipx", "uv", "checkout"])
def test_two_regions_of_one_host_keep_their_keys_apart(form: str) -> None:
    one, other = (lines(region=region)[form] for region in ("eu-west", "us-east"))
    assert "/eu-west.json" in one and "/us-east.json" in other


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "VIGIL_EGRESS=private\n"),
        ("A=1\n", "A=1\nVIGIL_EGRESS=private\n"),
        ("VIGIL_EGRESS=10.0.0.0/8:443\n", "VIGIL_EGRESS=10.0.0.0/8:443\n"),
    ],
)
def test_a_new_line_leaves_to_a_host_where_its_worker_may_dial(tmp_path: Path, before: str | None, after: str) -> None:
    settings = tmp_path / "eu-west.env"
    if before is not None:
        settings.write_text(before)
    line = lines()["systemd"].replace("/etc/vigil", str(tmp_path))
    stand_in = 'sudo() { case "$1" in -u|systemctl) ;; *) "$@" ;; esac; }\n'
    subprocess.run(["bash", "-c", stand_in + line], capture_output=True, timeout=30, check=True)
    assert settings.read_text() == after


def test_a_service_that_runs_is_replaced_since_it_knows_its_old_keys_alone() -> None:
    told = lines("public")
    stopped, _, started = told["docker"].partition("; docker run -d --name vigil-eu-west ")
    assert stopped == "docker rm -f vigil-eu-west > /dev/null 2>&1" and started
    assert told["systemd"].endswith(
        "&& sudo systemctl enable vigil-region@eu-west && sudo systemctl restart vigil-region@eu-west"
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_private_region_is_private_in_each_form(form: str) -> None:
    told = lines()[form]
    assert "VIGIL_EGRESS=private" in told or "{name: VIGIL_EGRESS, value: private}" in told
    assert "private" not in lines("public")[form]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_a_command_that_a_shell_can_read(form: str) -> None:
    subprocess.run(["bash", "-n", "-c", lines()[form]], capture_output=True, timeout=30, check=True)
