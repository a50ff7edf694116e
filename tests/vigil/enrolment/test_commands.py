"""Commands that enrol a worker do in a shell what they say, as they are printed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vigil.enrolment.core.commands import FORMS, EnrolmentPlace, commands

_TOLD = """
pipx() { printf 'pipx\\n'; printf '%s\\n' "$@"; }
uvx() { printf 'uvx %s\\n' "$VIGIL_EGRESS"; printf '%s\\n' "$@"; }
vigil-probe() { printf 'vigil-probe %s\\n' "$VIGIL_EGRESS"; printf '%s\\n' "$@"; }
"""
_ENROL = ["enrol", "https://vigil.example.com", "vge_code", "--run"]


def lines(egress: str = "private") -> dict[str, str]:
    return commands(EnrolmentPlace("eu-west", egress, "https://vigil.example.com"), "vge_code")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("pipx", ["pipx", "install", "./vigilmon-0.2.0-py3-none-any.whl[probe]", "vigil-probe private", *_ENROL]),
        ("uv", ["uvx private", "--from", "./vigilmon-0.2.0-py3-none-any.whl[probe]", "vigil-probe", *_ENROL]),
    ],
)
def test_pipx_and_uv_are_given_the_newest_wheel_with_what_a_worker_needs(
    tmp_path: Path, form: str, expected: list[str]
) -> None:
    for age, name in enumerate(["vigilmon-0.2.0-py3-none-any.whl", "vigilmon-0.1.0-py3-none-any.whl"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    script = _TOLD + lines()[form]
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines() == expected


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
