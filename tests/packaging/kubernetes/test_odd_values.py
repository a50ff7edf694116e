"""Values of the chart that are names at the edge: long ones, and words that YAML reads as something else."""

from __future__ import annotations

import json

import pytest

from tests.packaging.deployment_tools import run_tool
from tests.packaging.kubernetes.rendered import CHART, objects

EVERYTHING = ("--values", str(CHART / "ci/everything-values.yaml"), "--set", "region.enabled=true")
#: Values that name something, and are in objects as they are given.
NAMES = (
    "region.name", "region.secret", "secrets.control", "secrets.consensus", "secrets.metrics", "ingress.host",
    "ingress.className", "ingress.tlsSecret",
)  # fmt: skip

pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]


def with_names(word: str) -> str:
    """All objects, in JSON, where every name is this word."""
    given = [part for name in NAMES for part in ("--set-string", f"{name}={word}")]
    rendered = objects(run_tool("helm", "template", "vigil", str(CHART), *EVERYTHING, *given))
    return json.dumps(list(rendered.values()))


# A region `no` is Norway.
@pytest.mark.parametrize("word", ["no", "null", "12", "1e3"])
def test_a_name_that_yaml_would_read_as_something_else_stays_a_name(word: str) -> None:
    assert with_names(word) == with_names("plain-word").replace("plain-word", word)


def test_the_host_of_an_ingress_may_be_a_wildcard() -> None:
    given = ("--set", "region.name=eu", "--set", "ingress.host=*.shop.test")
    found = objects(run_tool("helm", "template", "vigil", str(CHART), *EVERYTHING, *given))
    assert found["Ingress", "vigil"]["spec"]["rules"][0]["host"] == "*.shop.test"


def test_an_ingress_without_a_class_has_that_of_the_cluster() -> None:
    given = ("--set", "region.name=eu", "--set", "ingress.className=")
    found = objects(run_tool("helm", "template", "vigil", str(CHART), *EVERYTHING, *given))
    # Kubernetes refuses an empty one, and puts its own where there is none.
    assert found["Ingress", "vigil"]["spec"].get("ingressClassName") is None


@pytest.mark.parametrize("name", ["a" * 46, "1st", "eu.west"])
def test_a_release_of_whose_name_no_service_or_pod_can_be_made_is_refused(name: str) -> None:
    assert "the name of the release" in run_tool("helm", "template", name, str(CHART), code=1)


def test_every_name_of_the_longest_release_fits() -> None:
    more = ("--set", "region.name=eu", "--set", "shards=4")
    found = objects(run_tool("helm", "template", "a" * 45, str(CHART), *EVERYTHING, *more))
    assert ("Deployment", f"{'a' * 45}-consensus-3") in found
    assert max(len(name) for kind, name in found if kind == "Service") <= 63
    # Its pods have a label of its name and eleven characters more.
    assert [len(name) for kind, name in found if kind == "StatefulSet"] == [63 - 11]
