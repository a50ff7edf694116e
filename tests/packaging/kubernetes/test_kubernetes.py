"""The Helm chart and the Kustomize base: real Helm and Kustomize render the same objects, and Kubernetes takes them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from consensus.process.settings import ConsensusSettings
from probes.worker.settings import ProbeSettings
from tests.packaging.deployment_tools import RELEASES, run_tool, schemas
from tests.packaging.kubernetes.rendered import (
    CHART,
    KUSTOMIZE,
    WORKLOADS,
    Rendered,
    comparable,
    objects,
    of_helm,
    of_kustomize,
    pods,
)
from vigil.cli.processes.run import PROCESSES
from vigil.configuration import Configuration

EVERYTHING, REGION = ("ci/everything-values.yaml",), ("region-values.yaml",)
TWO_SHARDS, LISTED = ("ci/two-shards-values.yaml",), ("ci/listed-region-values.yaml",)
#: Of the Prometheus operator: the schema of its objects is not among those of Kubernetes.
FOREIGN = {"ServiceMonitor", "PodMonitor"}
#: Two at once: one works, the other takes over.
LEASED = {"dispatch", "ingest", "record", "heartbeats", "consensus"}
WITHOUT_MODEL = {"VIGIL_ALIVE_FILE", "VIGIL_JOURNAL"}

# The programs are installed once, by one worker of the tests.
pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """The base with all that may be switched on."""
    return base_with(tmp_path_factory.mktemp("overlay"), "components/ingress", "components/monitoring")


def base_with(overlay: Path, *components: str) -> Rendered:
    """What an overlay of the base in this empty folder renders."""
    return overlay_of("base", overlay, *components)


def overlay_of(base: str, overlay: Path, *components: str) -> Rendered:
    parts = {name: str(KUSTOMIZE / name) for name in (base, *components)}
    within = {name: Path(path).relative_to("/") for name, path in parts.items()}
    up = "/".join([".."] * (len(overlay.parts) - 1))
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "vigil",
        "resources": [f"{up}/{within[base]}"],
        "components": [f"{up}/{within[name]}" for name in components],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return of_kustomize(overlay)


def test_the_chart_and_the_base_are_the_same_objects() -> None:
    assert comparable(of_helm()) == comparable(of_kustomize(KUSTOMIZE / "base"))


def test_they_are_the_same_with_all_that_may_be_switched_on(everything: Rendered) -> None:
    helm = of_helm(*EVERYTHING)
    assert {kind for kind, _ in helm} >= {"Ingress", "ServiceMonitor", "PodDisruptionBudget", "NetworkPolicy"}
    assert comparable(helm) == comparable(everything)


def test_they_are_the_same_with_two_shards(tmp_path: Path) -> None:
    helm = of_helm(*TWO_SHARDS)
    assert comparable(helm) == comparable(base_with(tmp_path, "components/two-shards"))
    own = {
        name: tuple(each["value"] for each in pod["containers"][0].get("env", ()) if "SHARD" in each["name"])
        for name, pod in pods(helm)
    }
    assert {name: values for name, values in own.items() if values} == {"vigil-migrate": ("2",)} | {
        f"vigil-{part}{suffix}": ("2", shard)
        for part in ("consensus", "ingest", "record")
        for suffix, shard in (("", "0"), ("-1", "1"))
    }


def test_the_worker_of_a_region_is_the_same_object(tmp_path: Path) -> None:
    helm = of_helm(*REGION, release="vigil-eu-west")
    assert {name for kind, name in helm if kind in WORKLOADS} == {"vigil-eu-west-region"}
    assert comparable(helm) == comparable(of_kustomize(KUSTOMIZE / "region"))
    told = of_helm("ci/region-values.yaml", release="vigil-eu-west")
    assert ("PodMonitor", "vigil-eu-west") in told and ("NetworkPolicy", "vigil-eu-west-metrics") in told
    assert comparable(told) == comparable(overlay_of("region", tmp_path, "components/region-monitoring"))


def test_a_region_in_the_namespace_of_the_control_plane_changes_nothing_of_it(everything: Rendered) -> None:
    region = of_kustomize(KUSTOMIZE / "region")
    assert not region.keys() & everything.keys()
    own = {"app.kubernetes.io/name": "vigil", "app.kubernetes.io/instance": "vigil"}
    chosen = [one["spec"]["podSelector"]["matchLabels"] for (kind, _), one in region.items() if kind == "NetworkPolicy"]
    assert chosen and not [labels for labels in chosen if labels.items() <= own.items()]


def test_the_chart_names_the_oldest_release_that_it_is_held_to() -> None:
    assert f">={RELEASES[0]}-0" in (CHART / "Chart.yaml").read_text()


def test_the_chart_has_no_fault_that_helm_itself_finds() -> None:
    assert "0 chart(s) failed" in run_tool("helm", "lint", "--strict", str(CHART))


@pytest.mark.parametrize(
    "given",
    ["replicas.dispatcher=2", "replicas.witness=2", "images.control.digest=sha256:12", "oops=1"]
    + ["region.name=EU", "region.name=eu-"]
    + [f"region.egress={text}" for text in ("internet", "", "public;", "10.0.0.0/8:ssh", "fd12::/16]:443")],
)
def test_helm_refuses_values_that_mean_nothing(given: str) -> None:
    said = run_tool("helm", "template", "vigil", str(CHART), "--set", given, code=1)
    assert given.split("=")[0].rsplit(".", 1)[-1] in said


def test_a_digest_takes_the_place_of_the_tag() -> None:
    digest = "sha256:" + "0" * 64
    text = run_tool("helm", "template", "vigil", str(CHART), "--set", f"images.control.digest={digest}")
    assert f'image: "vigil-control@{digest}"' in text and "vigil-control:" not in text


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "values",
    [(), EVERYTHING, REGION, LISTED, TWO_SHARDS],
    ids=["default", "everything", "region", "listed", "two shards"],
)
def test_kubernetes_takes_each_object(values: tuple[str, ...], release: str) -> None:
    faults = [
        f"{name}: {fault.json_path} {fault.message}"
        for (kind, name), one in of_helm(*values).items()
        if kind not in FOREIGN
        for fault in schema_of(one, release).iter_errors(one)
    ]
    assert faults == []


def test_a_misspelt_field_would_be_found_out() -> None:
    one = next(one for (kind, _), one in of_helm().items() if kind == "Deployment")
    wrong = json.loads(json.dumps(one).replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))
    assert [fault.json_path for fault in schema_of(wrong, RELEASES[-1]).iter_errors(wrong)]


def test_each_process_has_its_deployment() -> None:
    deployed = {name for kind, name in of_helm() if kind == "Deployment"}
    assert deployed == {f"vigil-{name}" for name in (*PROCESSES, "consensus")}
    for name, pod in pods(of_helm()):
        wanted = {
            "vigil-migrate": ["vigil.cli", "migrate", "--no-input"],
            "vigil-consensus": ["consensus"],
        }.get(name, ["vigil.cli", "run", name.removeprefix("vigil-")])
        assert pod["containers"][0]["args"][: len(wanted)] == wanted


def test_where_mails_are_taken_pages_and_senders_know_it() -> None:
    with_mail = objects(run_tool("helm", "template", "vigil", str(CHART), "--set", "replicas.mail=1"))
    told = {
        name: one["value"]
        for name, pod in pods(with_mail)
        for one in pod["containers"][0].get("env", ())
        if one["name"] == "VIGIL_MAIL_PORT"
    }
    assert told == dict.fromkeys(("vigil-mail", "vigil-web", "vigil-deliver"), "2525")


def test_what_is_leased_runs_twice_and_is_disrupted_once() -> None:
    rendered = of_helm()
    for name in LEASED:
        assert rendered["Deployment", f"vigil-{name}"]["spec"]["replicas"] == 2
        assert rendered["PodDisruptionBudget", f"vigil-{name}"]["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("values", [(), REGION], ids=["control", "region"])
def test_each_setting_that_is_named_exists(values: tuple[str, ...]) -> None:
    models = (ProbeSettings,) if values else (Configuration, ConsensusSettings)
    known = WITHOUT_MODEL | {f"VIGIL_{name.upper()}" for model in models for name in model.model_fields}
    rendered = of_helm(*values)
    named = {
        setting["name"]
        for _, pod in pods(rendered)
        for container in pod["containers"]
        for setting in container.get("env", [])
        if setting["name"].startswith("VIGIL_")
    }
    for (kind, _), one in rendered.items():
        if kind == "ConfigMap":
            named |= one["data"].keys()
    assert "VIGIL_ALIVE_FILE" in named and named <= known


@pytest.mark.parametrize("values", [(), REGION], ids=["control", "region"])
def test_each_pod_is_restricted(values: tuple[str, ...]) -> None:
    """What the `restricted` level of Kubernetes' pod security standards asks for, and a read-only file system."""
    for name, pod in pods(of_helm(*values)):
        inside = pod["securityContext"]
        assert inside["runAsNonRoot"] is True and inside["runAsUser"] == 10001, name
        assert inside["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert all({"emptyDir", "persistentVolumeClaim"} & volume.keys() for volume in pod["volumes"]), name
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name


def test_each_process_is_found_out_when_it_hangs() -> None:
    for name, pod in (*pods(of_helm()), *pods(of_helm(*REGION))):
        (container,) = pod["containers"]
        if name != "vigil-migrate":
            (alive,) = [each["value"] for each in container["env"] if each["name"] == "VIGIL_ALIVE_FILE"]
            assert alive in container["livenessProbe"]["exec"]["command"][-1]
            assert alive in container["startupProbe"]["exec"]["command"]
            assert any(alive.startswith(f"{mount['mountPath']}/") for mount in container["volumeMounts"])


def schema_of(one: dict[str, Any], release: str) -> Draft7Validator:
    group, _, version = one["apiVersion"].rpartition("/")
    parts = [one["kind"].lower(), *([group.removesuffix(".k8s.io").split(".")[0]] if group else []), version]
    schema, registry = _loaded("-".join(parts), release)
    return Draft7Validator(schema, registry=registry)


@lru_cache
def _loaded(name: str, release: str) -> tuple[dict[str, Any], Registry[Any]]:
    folder = schemas(release)
    definitions = Resource.from_contents(json.loads((folder / "_definitions.json").read_text()), DRAFT4)
    return json.loads((folder / f"{name}.json").read_text()), Registry().with_resource("_definitions.json", definitions)
