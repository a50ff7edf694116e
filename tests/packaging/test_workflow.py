"""The GitHub workflow: its step for known holes reads each lock. Whom it asks then, no test does."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tests.packaging.deployment_tools import CHECKOUT, tools

WORKFLOW = CHECKOUT / ".github" / "workflows" / "ci.yml"
LOCKS = sorted(path.name for path in (CHECKOUT / "deploy").glob("requirements*.lock"))
AUDITED = re.compile(r"would have audited (\d+) packages")

# The programs are installed once, by one worker of the tests.
pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]


def audit() -> str:
    """The script of the step, as the workflow has it."""
    (step,) = [each for each in steps() if "pip-audit" in each.get("run", "")]
    return str(step["run"])


def steps() -> list[dict[str, str]]:
    found: list[dict[str, str]] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["everything"]["steps"]
    return found


def without_asking(script: str) -> str:
    programs = str(tools() / "bin")
    return script.replace(".venv/deployments/bin", programs).replace("pip-audit ", "pip-audit --dry-run ")


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)


def test_s31_the_audit_reads_every_package_of_every_lock() -> None:
    ended = run(without_asking(audit()))
    assert ended.returncode == 0, ended.stderr
    counts = [int(count) for count in AUDITED.findall(ended.stderr)]
    assert len(counts) == len(LOCKS) == 5
    assert min(counts) >= 40, counts


def test_s31_the_audit_fails_where_one_lock_cannot_be_read() -> None:
    script = without_asking(audit()).replace('"$lock"', '"$lock.missing"')
    assert run(script).returncode == 1


def test_the_workflow_names_no_host_of_packages_and_runs_weekly() -> None:
    text = WORKFLOW.read_text()
    assert "http" not in text
    # YAML reads the key `on` as true.
    assert yaml.safe_load(text)[True]["schedule"] == [{"cron": "17 5 * * 1"}]
