"""Objects as Helm and Kustomize render them, in one form that can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.packaging.deployment_tools import CHECKOUT, run_tool

CHART, KUSTOMIZE = CHECKOUT / "deploy" / "helm" / "vigil", CHECKOUT / "deploy" / "kustomize"
KubernetesObject = dict[str, Any]
#: (kind, name) -> the object
Rendered = dict[tuple[str, str], KubernetesObject]
#: What Helm writes for itself.
_OF_HELM = ("helm.sh/", "app.kubernetes.io/managed-by")
#: Kinds with pods.
WORKLOADS = ("Deployment", "StatefulSet", "Job")


@lru_cache
def of_helm(*values: str, release: str = "vigil") -> Rendered:
    """The chart with these files of values."""
    given = [word for name in values for word in ("--values", str(CHART / name))]
    return objects(run_tool("helm", "template", release, str(CHART), "--namespace", "vigil", *given))


@lru_cache
def of_kustomize(folder: Path) -> Rendered:
    return objects(run_tool("kubectl", "kustomize", folder))


def objects(text: str) -> Rendered:
    found = [one for one in yaml.safe_load_all(text) if one]
    rendered = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert len(rendered) == len(found), "two objects of one kind have one name"
    return rendered


def comparable(rendered: Rendered) -> Rendered:
    """Without namespaces, which Helm leaves to its caller, and without what Helm writes for itself."""
    return {key: _without(one) for key, one in rendered.items()}


def _without(one: KubernetesObject) -> KubernetesObject:
    metadata = {name: value for name, value in one["metadata"].items() if name != "namespace"}
    for marks in ("labels", "annotations"):
        kept = {key: value for key, value in metadata.pop(marks, {}).items() if not key.startswith(_OF_HELM)}
        if kept:
            metadata[marks] = kept
    return {**one, "metadata": metadata}


def pods(rendered: Rendered) -> Iterator[tuple[str, KubernetesObject]]:
    """Name and pod of each object that has one."""
    for (kind, name), one in rendered.items():
        if kind in WORKLOADS:
            yield name, one["spec"]["template"]["spec"]
