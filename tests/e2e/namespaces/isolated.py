"""Scenes in namespaces of their own: a script that may change networks, mounts and processes, and harm nothing.

All that it makes is gone with it. Where this machine permits no namespaces the test fails, and says so.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
NEEDED = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2", "nft": "nftables"}


def unshared(*command: str) -> list[str]:
    """The command in namespaces of its own, as their root. Its processes end with it."""
    as_root = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    apart = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    return ["unshare", *as_root, *apart, *command]


def require_namespaces() -> None:
    """Fail the test where there can be none: what it proves cannot be proven without."""
    # Debian keeps programs of the administrator where the path of other users does not lead.
    os.environ["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in NEEDED.items() if not _has(program)})
    if missing:
        pytest.fail(f"this test needs the packages {', '.join(missing)}: `.ci/run` installs them")
    tried = subprocess.run(unshared("nft", "list", "ruleset"), capture_output=True, text=True, timeout=20, check=False)
    if tried.returncode != 0:
        pytest.fail(
            "this test needs network namespaces with nftables, and this machine permits none: run it as root, or "
            "permit user namespaces, on Ubuntu by `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, in Docker "
            f"by a seccomp profile that allows unshare ({tried.stderr.strip()[:300]})"
        )


def played(scene: str, folder: Path, timeout_s: float, **environment: str) -> Any:
    """What a scene prints as JSON; fails the test with its words where it does not end well."""
    require_namespaces()
    module = f"tests.e2e.namespaces.{scene}"
    importlib.import_module(module)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    kept |= {"PYTHONPATH": str(CHECKOUT), "SCENE_FOLDER": str(folder), **environment}
    kept["VIGIL_SEAL_KEYS"] = os.environ["VIGIL_SEAL_KEYS"]
    ended = subprocess.run(
        unshared(sys.executable, "-m", module),
        cwd=CHECKOUT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    logs = "".join(f"\n{log.name}: {log.read_text()[-1500:]}" for log in sorted(folder.glob("*.log")))
    assert ended.returncode == 0, f"{ended.stderr[-3000:]}{logs}"
    return json.loads(ended.stdout)


def _has(program: str) -> bool:
    return any((Path(folder) / program).exists() for folder in os.environ["PATH"].split(":"))
