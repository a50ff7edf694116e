"""`python3 manage.py`: builds its environment once, with the standard library alone, and says what is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
COMMANDS = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "python": sys.prefix}))
"""
WITHOUT = """
import importlib.util, runpy, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {missing!r} else find(name, *rest)
sys.argv = ["manage.py", "up"]
runpy.run_path({path!r}, run_name="__main__")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with empty locks, and a command line that says how it was called."""
    checkout = tmp_path / "checkout"
    (checkout / "vigil" / "cli").mkdir(parents=True)
    (checkout / "vigil" / "cli" / "__init__.py").touch()
    (checkout / "vigil" / "cli" / "__main__.py").write_text(COMMANDS)
    (checkout / "deploy").mkdir()
    for lock in ("requirements.lock", "requirements-mcp.lock", "requirements-dev.lock"):
        (checkout / "deploy" / lock).write_text(f"# {lock}\n")
    shutil.copy(CHECKOUT / "manage.py", checkout)
    return checkout


def start(checkout: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    # The interpreter behind this environment, as on a machine that has nothing else.
    python = Path(sys.base_prefix) / "bin" / "python3"
    return subprocess.Popen(
        [str(python), str(checkout / "manage.py"), *arguments],
        env={"PATH": "/usr/bin:/bin"} | (env or {}),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(checkout: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
    out, err = start(checkout, *arguments, env=env).communicate(timeout=100)
    return (json.loads(out) if out else {}), err


def test_the_first_run_builds_and_the_second_does_not(checkout: Path) -> None:
    said, err = run(checkout, "up", "--port", "80")
    assert said == {"arguments": ["up", "--port", "80"], "folder": "/", "python": str(checkout / ".venv")}
    assert err.startswith("vigil: installing 0 packages into ")
    assert run(checkout, "up")[1] == ""


@pytest.mark.parametrize("command", [("test",), ("screenshots",), ("bench", "pages")], ids=" ".join)
def test_a_changed_lock_is_installed_and_what_only_developers_need_has_its_own(
    checkout: Path, command: tuple[str, ...]
) -> None:
    run(checkout, "up")
    assert run(checkout, *command, "--help")[1] == "", "n23: help installs nothing"
    assert run(checkout, *command)[1].startswith("vigil: installing")
    assert run(checkout, "up")[1] == ""
    (checkout / "deploy" / "requirements.lock").write_text("# another\n")
    assert run(checkout, "up")[1].startswith("vigil: installing")


def test_two_first_runs_at_once_build_once(checkout: Path) -> None:
    runs = [start(checkout, "up") for _ in range(2)]
    ended = [process.communicate(timeout=100) for process in runs]
    assert all(json.loads(out)["arguments"] == ["up"] for out, _ in ended)
    assert sum("installing" in err for _, err in ended) == 1


@pytest.mark.parametrize("home", ["", "/proc/nowhere"])
def test_no_home_is_no_problem(checkout: Path, home: str) -> None:
    assert run(checkout, "up", env={"HOME": home})[0]["arguments"] == ["up"]


def test_another_folder_for_the_environment(checkout: Path, tmp_path: Path) -> None:
    said, _ = run(checkout, "up", env={"VIGIL_VENV": str(tmp_path / "elsewhere")})
    assert said["python"] == str(tmp_path / "elsewhere")
    assert not (checkout / ".venv").exists()


def test_a_place_that_cannot_be_written_is_one_clear_line(checkout: Path) -> None:
    (checkout / "file").touch()
    process = start(checkout, "up", env={"VIGIL_VENV": str(checkout / "file" / "venv")})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert "set VIGIL_VENV to a folder that you can write to" in err


def test_a_python_that_cannot_make_environments_is_one_clear_line(checkout: Path) -> None:
    code = WITHOUT.format(missing=("pip", "ensurepip"), path=str(checkout / "manage.py"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [
        "vigil: this Python cannot make virtual environments: `apt install python3-venv`, or install uv"
    ]


def test_a_package_that_cannot_be_had_is_one_clear_line_and_no_stamp(checkout: Path) -> None:
    (checkout / "deploy" / "requirements.lock").write_text("vigil-no-such==1.0 --hash=sha256:" + "0" * 64 + "\n")
    env = {"PIP_NO_INDEX": "1", "HOME": os.devnull}
    process = start(checkout, "up", env=env)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, len(err.splitlines())) == (2, "", 2)
    assert "No matching distribution found for vigil-no-such" in err or "Could not find a version" in err
    assert not (checkout / ".venv" / "vigil.lock-stamp").exists()
