"""Exit 0 when the locks hold what pyproject.toml asks for: every package hashed, every requirement met, no address."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
PROGRAMS_LOCK = "requirements-deployments.lock"
#: The extras and groups of each lock. The last one holds programs and nothing of the product.
LOCKS = {
    "requirements-probe.lock": ("probe",),
    "requirements.lock": ("control", "embedded"),
    "requirements-mcp.lock": ("control", "embedded", "mcp"),
    "requirements-dev.lock": ("control", "embedded", "mcp", "dev"),
    PROGRAMS_LOCK: ("deployments",),
}


def read_lock(text: str) -> dict[str, Requirement]:
    """The pinned packages of a lock by name; raises ValueError on a line that is not pinned or has no hash."""
    pinned = {}
    for entry in re.sub(r"\\\n", " ", text).splitlines():
        line = entry.split("    #")[0].strip()
        if not line or line.startswith("#"):
            continue
        if "://" in line or line.startswith("-"):
            raise ValueError(f"an address or option: {line[:60]}")
        requirement, *hashes = line.split(" --hash=")
        parsed = Requirement(requirement.strip())
        if not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", found.strip()) for found in hashes):
            raise ValueError(f"no hash: {parsed.name}")
        pinned[canonicalize_name(parsed.name)] = parsed
    return pinned


def wanted(project: dict[str, object], groups: tuple[str, ...]) -> list[Requirement]:
    """What pyproject.toml asks for, for the given extras and groups."""
    table: dict[str, list[str]] = {
        **project["project"]["optional-dependencies"],  # type: ignore[index]
        **project["dependency-groups"],  # type: ignore[dict-item]
    }
    asked: list[Requirement] = []
    for group in groups:
        for requirement in map(Requirement, table[group]):
            if requirement.name == project["project"]["name"]:  # type: ignore[index]
                asked += wanted(project, tuple(requirement.extras))
            else:
                asked.append(requirement)
    return asked


def problems() -> list[str]:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    locks, found = {}, []
    for name, groups in LOCKS.items():
        try:
            locks[name] = pinned = read_lock((HERE / name).read_text())
        except ValueError as problem:
            found.append(f"{name}: {problem}")
            continue
        own = [] if name == PROGRAMS_LOCK else project["project"]["dependencies"]
        for requirement in (*map(Requirement, own), *wanted(project, groups)):
            lock = pinned.get(canonicalize_name(requirement.name))
            version = next(iter(lock.specifier)).version if lock else None
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{name}: {requirement} is asked for, {version or 'nothing'} is locked")
    for smaller, larger in (
        ("requirements-probe.lock", "requirements.lock"),
        ("requirements.lock", "requirements-mcp.lock"),
        ("requirements-mcp.lock", "requirements-dev.lock"),
    ):
        for name, lock in locks.get(smaller, {}).items():
            other = locks.get(larger, {}).get(name)
            if other is None or other.specifier != lock.specifier:
                found.append(f"{larger}: {name} differs from {smaller}")
    return found


if __name__ == "__main__":
    for problem in problems():
        sys.stderr.write(f"{problem}\n")
    sys.exit(1 if problems() else 0)
