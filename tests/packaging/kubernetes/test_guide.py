"""The files that deploy/guide/kubernetes.md shows: Helm and Kustomize take them as they are written there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.packaging.deployment_tools import CHECKOUT, run_tool
from tests.packaging.kubernetes.judged import labels_of, lets_out
from tests.packaging.kubernetes.rendered import CHART, KUSTOMIZE, Rendered, objects

GUIDE = (CHECKOUT / "deploy" / "guide" / "kubernetes.md").read_text()
HOST = "vigil.example.com"

# The programs are installed once, by one worker of the tests.
pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]


def shown(name: str) -> str:
    """The block of the guide that begins with the name of its file. A digest is cut there."""
    (block,) = re.findall(rf"(?m)^    # {re.escape(name)}\n((?:    .*\n|\n(?=    ))+)", GUIDE)
    return re.sub(r"(?m)^    ", "", block).replace("sha256:...", "sha256:" + "0" * 64)


def of_helm_as_shown(place: Path) -> Rendered:
    (place / "mine.yaml").write_text(shown("mine.yaml"))
    assert "helm install vigil deploy/helm/vigil --namespace vigil --values mine.yaml\n" in GUIDE
    return objects(
        run_tool("helm", "template", "vigil", CHART, "--namespace", "vigil", "--values", place / "mine.yaml")
    )


def of_kustomize_as_shown(place: Path, overlay: str = "mine") -> Rendered:
    shutil.copytree(KUSTOMIZE, place / "deploy" / "kustomize")
    (place / overlay).mkdir()
    (place / overlay / "kustomization.yaml").write_text(shown(f"{overlay}/kustomization.yaml"))
    return objects(run_tool("kubectl", "kustomize", place / overlay))


@pytest.mark.parametrize("render", [of_helm_as_shown, of_kustomize_as_shown], ids=["helm", "kustomize"])
def test_what_the_guide_shows_is_rendered_with_its_address_and_image(render: object, tmp_path: Path) -> None:
    assert callable(render)
    rendered = render(tmp_path)
    settings = rendered["ConfigMap", "vigil"]["data"]
    assert settings["VIGIL_BASE_URL"] == f"https://{HOST}"
    assert HOST in settings["VIGIL_ALLOWED_HOSTS"].split(",")
    assert rendered["Ingress", "vigil"]["spec"]["rules"][0]["host"] == HOST
    pod = rendered["Deployment", "vigil-web"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example.com/vigil-control@sha256:" + "0" * 64


def test_what_a_region_needs_besides_is_let_out_as_the_guide_shows_it(tmp_path: Path) -> None:
    (tmp_path / "mine-region.yaml").write_text(shown("mine-region.yaml"))
    values = [word for file in (CHART / "region-values.yaml", tmp_path / "mine-region.yaml") for word in ("-f", file)]
    helm = objects(run_tool("helm", "template", "vigil-eu-west", CHART, *values))
    *_, redis, ingress = helm["NetworkPolicy", "vigil-eu-west-region"]["spec"]["egress"]
    assert "namespaceSelector" in ingress["to"][0]
    kustomize = of_kustomize_as_shown(tmp_path, "mine-region")
    assert kustomize["NetworkPolicy", "vigil-eu-west-region"]["spec"]["egress"][-1] == redis
    for rendered in (helm, kustomize):
        worker = labels_of(rendered, "StatefulSet", "vigil-eu-west-region")
        assert lets_out(rendered, worker, "10.0.0.9", 6380) and not lets_out(rendered, worker, "10.0.0.9", 443)


def test_the_secrets_of_the_guide_are_those_that_the_pods_ask_for() -> None:
    table = set(re.findall(r"(?m)^\| `(vigil[a-z-]*)` \|", GUIDE))
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert table == {*values["secrets"].values(), values["region"]["secret"]}
