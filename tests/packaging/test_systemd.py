"""The units of deploy/systemd: systemd itself finds no fault in them, and each gives its process next to no rights."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vigil.cli.processes.run import PROCESSES
from vigil.enrolment.core.commands import EnrolmentPlace, commands
from vigil.local.environments import SHARDED

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
GUIDE = UNITS.parent / "guide" / "scaling.md"
STARTED = (
    "vigil-control@web.service",
    "vigil-control@deliver.service",
    "vigil-consensus.service",
    "vigil-region@eu-west.service",
    "vigil-migrate.service",
    "vigil.service",
)
EXPOSURE_MOST = 2.0
#: What systemd puts before and after every unit.
_TARGETS = ("sysinit", "basic", "shutdown", "multi-user", "network-online")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The root of a host where the units and their programs are installed, as deploy/README.md says."""
    shutil.copytree(UNITS, tmp_path / "etc" / "systemd" / "system")
    for target in _TARGETS:
        (tmp_path / "etc" / "systemd" / "system" / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    for text in (path.read_text() for path in UNITS.glob("*.service")):
        for program in re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE):
            (tmp_path / program.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / program.lstrip("/")).touch(mode=0o755)
    return tmp_path


def analyze(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", f"--root={root}", "--no-pager", *arguments]
    return subprocess.run(
        command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=30, check=False
    )


def test_systemd_finds_no_fault_in_the_units(host: Path) -> None:
    found = analyze(host, "verify", "--man=no", *STARTED)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_a_setting_that_does_not_exist_would_be_found_out(host: Path) -> None:
    unit = host / "etc" / "systemd" / "system" / "vigil.service"
    unit.write_text(unit.read_text().replace("ProtectClock=", "ProtectClok="))
    assert "Unknown key 'ProtectClok'" in analyze(host, "verify", "--man=no", "vigil.service").stderr


@pytest.mark.parametrize("unit", STARTED)
def test_each_unit_has_next_to_no_rights(host: Path, unit: str) -> None:
    found = analyze(host, "security", "--offline=true", f"--threshold={EXPOSURE_MOST * 10:.0f}", unit)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", found.stdout)
    assert level and float(level[1]) <= EXPOSURE_MOST and found.returncode == 0, found.stdout + found.stderr


def test_without_its_sandbox_a_unit_would_be_found_out(host: Path) -> None:
    shutil.rmtree(host / "etc" / "systemd" / "system" / "vigil-.service.d")
    found = analyze(host, "security", "--offline=true", f"--threshold={EXPOSURE_MOST * 10:.0f}", STARTED[0])
    assert found.returncode != 0


@pytest.mark.parametrize("unit", ["vigil-control@.service", "vigil-consensus.service", "vigil-region@.service"])
def test_a_process_that_stands_still_is_ended_by_systemd(unit: str) -> None:
    service = section(unit, "Service")
    assert service["type"] == "notify" and service["watchdogsignal"] == "SIGKILL"
    # The process says every 2 s that its loops turn.
    assert 10 <= int(service["watchdogsec"]) <= 30 and service["restart"] == "always"


def test_systemd_never_gives_up_a_process_that_ends_again_and_again() -> None:
    assert section("vigil-.service.d/10-sandbox.conf", "Unit")["startlimitintervalsec"] == "0"
    assert section("vigil.service", "Unit")["startlimitintervalsec"] == "0"


def test_the_template_starts_the_processes_that_run_knows() -> None:
    command = section("vigil-control@.service", "Service")["execstart"]
    assert command.endswith("-m vigil.cli run %i") and "dispatch" in PROCESSES


def test_the_unit_of_a_region_takes_the_file_that_its_line_writes() -> None:
    line = commands(EnrolmentPlace("eu-west", "public", "https://vigil.example.com"), "CODE")["systemd"]
    (written,) = re.findall(r"--file (\S+)", line)
    assert written in section("vigil-region@.service", "Service")["execstart"].replace("%i", "eu-west")
    assert "vigil-region@eu-west" in line


def test_the_guide_makes_units_of_each_shard_in_which_systemd_finds_no_fault(host: Path) -> None:
    """Its lines run as they stand, in the root of that host, and with a `systemctl` that does nothing."""
    (lines,) = re.findall(r"```bash\n(cd /etc/systemd/system\n.*?)```", GUIDE.read_text(), re.DOTALL)
    units = host / "etc" / "systemd" / "system"
    told = f'set -eu; systemctl() {{ echo "$@"; }}; {lines.replace("/etc/systemd/system", str(units))}'
    done = subprocess.run(["bash", "-c", told], capture_output=True, text=True, timeout=30, check=True)

    (started,) = re.findall(r"^enable --now (.*)$", done.stdout, re.MULTILINE)
    made = [f"{name}.service" for name in started.split()]
    assert made == [f"vigil-{part}@{shard}.service" for part in SHARDED for shard in (0, 1)]
    found = analyze(host, "verify", "--man=no", *made)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    for part in SHARDED:
        text = (units / f"vigil-{part}@.service").read_text()
        assert text.count("Environment=VIGIL_SHARD=%i") == 1 and "run %i" not in text and "control-%i" not in text
        security = analyze(host, "security", "--offline=true", "--threshold=20", f"vigil-{part}@1.service")
        assert security.returncode == 0, security.stdout


def section(unit: str, name: str) -> configparser.SectionProxy:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.read_string((UNITS / unit).read_text())
    return read[name]
