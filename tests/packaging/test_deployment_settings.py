"""The settings that compose, systemd and Helm ship: Django's check of a deployment finds nothing to say about them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys

import pytest
import yaml

from tests.packaging.deployment_tools import CHECKOUT
from tests.packaging.kubernetes.rendered import of_helm, pods

DEPLOY = CHECKOUT / "deploy"
#: What the reader of the example writes into the empty lines, and into the secret of Kubernetes.
FILLED_IN = {
    "VIGIL_SECRET_KEY": "only-for-checks-" * 4,
    "VIGIL_SEAL_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
}
SERVERS = {
    "VIGIL_DATABASE_URL": "postgresql://vigil:none@127.0.0.1:1/vigil",
    "VIGIL_REDIS_URL": "rediss://control:none@127.0.0.1:1/0",
}

# The programs are installed once, by one worker of the tests.
pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]


def of_the_example() -> dict[str, str]:
    """deploy/vigil.env.example, which compose and systemd read, filled in."""
    lines = re.findall(r"(?m)^([A-Z_]+)=(.*)$", (DEPLOY / "vigil.env.example").read_text())
    settings = dict(lines)
    assert {name for name, value in lines if not value} == FILLED_IN.keys()
    return settings | FILLED_IN


def of_compose() -> dict[str, str]:
    web = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["web"]
    assert web["env_file"] == ["vigil.env"]
    own = {name: value for name, value in web["environment"].items() if "${" not in value}
    return of_the_example() | own


def of_systemd() -> dict[str, str]:
    unit = (DEPLOY / "systemd" / "vigil-control@.service").read_text()
    assert "EnvironmentFile=/etc/vigil/vigil.env\n" in unit
    unit += (DEPLOY / "systemd" / "vigil-control@web.service.d" / "pages.conf").read_text()
    return of_the_example() | dict(re.findall(r"(?m)^Environment=(VIGIL_\w+)=(\S+)$", unit))


def of_kubernetes() -> dict[str, str]:
    rendered = of_helm()
    (settings,) = [one["data"] for (kind, _), one in rendered.items() if kind == "ConfigMap"]
    (container,) = dict(pods(rendered))["vigil-web"]["containers"]
    own = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    return {**settings, **own, **SERVERS, **FILLED_IN}


def check(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Django's check of a deployment, with these settings and no others of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    env = {**kept, **settings, "DJANGO_SETTINGS_MODULE": "vigil.settings"}
    command = [sys.executable, "-W", "ignore", "-m", "django", "check", "--deploy", "--fail-level", "INFO"]
    return subprocess.run(command, env=env, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("shipped", [of_compose, of_systemd, of_kubernetes], ids=["compose", "systemd", "helm"])
def test_the_check_for_a_deployment_finds_nothing_in_what_is_shipped(shipped: object) -> None:
    assert callable(shipped)
    ended = check(shipped())
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    assert "no issues" in ended.stdout


def test_pages_without_tls_would_be_found_out() -> None:
    ended = check(of_the_example() | {"VIGIL_BASE_URL": "http://vigil.example.com"})
    assert ended.returncode == 1
    assert "security.W012" in ended.stderr, ended.stderr


def test_each_shipped_web_process_has_a_folder_of_its_own_for_status_pages() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert (
        f"web:{of_compose()['VIGIL_DATA_DIR']}" in compose["services"]["web"]["volumes"] and "web" in compose["volumes"]
    )
    unit = (DEPLOY / "systemd" / "vigil-control@web.service.d" / "pages.conf").read_text()
    (folder,) = re.findall(r"(?m)^StateDirectory=(\S+)$", unit)
    assert of_systemd()["VIGIL_DATA_DIR"] == f"/var/lib/{folder}"
    pod = dict(pods(of_helm()))["vigil-web"]
    (container,) = pod["containers"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volume = mounted[of_kubernetes()["VIGIL_DATA_DIR"]]
    assert [one["emptyDir"] for one in pod["volumes"] if one["name"] == volume] == [{"sizeLimit": "512Mi"}]
    # It gets readers also while PostgreSQL is away.
    assert container["readinessProbe"]["httpGet"]["path"] == "/startz"
    others = [one for name, one in pods(of_helm()) if name not in ("vigil-web", "vigil-deliver")]
    assert "VIGIL_DATA_DIR" not in str(others)


def test_each_shipped_sender_keeps_its_notes_of_accepted_alerts() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["deliver"]
    assert service["volumes"] == [f"deliver:{service['environment']['VIGIL_DATA_DIR']}"]
    unit = (DEPLOY / "systemd" / "vigil-control@deliver.service.d" / "accepted.conf").read_text()
    (folder,) = re.findall(r"(?m)^StateDirectory=(\S+)$", unit)
    assert f"Environment=VIGIL_DATA_DIR=/var/lib/{folder}\n" in unit
    pod = dict(pods(of_helm()))["vigil-deliver"]
    (container,) = pod["containers"]
    (named,) = [one["value"] for one in container["env"] if one["name"] == "VIGIL_DATA_DIR"]
    (volume,) = [one["name"] for one in container["volumeMounts"] if one["mountPath"] == named]
    assert [one["emptyDir"]["sizeLimit"] for one in pod["volumes"] if one["name"] == volume] == ["512Mi"]
