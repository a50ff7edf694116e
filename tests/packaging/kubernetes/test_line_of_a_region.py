"""The line of `region add --form kubernetes`: its worker is the one that the chart renders."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.packaging.deployment_tools import RELEASES
from tests.packaging.kubernetes.rendered import KubernetesObject, of_helm
from tests.packaging.kubernetes.test_kubernetes import schema_of
from vigil.enrolment.core.commands import EnrolmentPlace, commands

# The programs are installed once, by one worker of the tests.
pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]
#: What only a chart can ask of its cluster: the images' place, and an account that the chart made.
OF_THE_CHART = {"serviceAccountName", "imagePullPolicy", "image"}
#: The chart takes both from a secret; the line has them written out.
ENROLMENT = {"$(ADDRESS)": "https://vigil.example.com", "$(CODE)": "CODE"}


def of_line(egress: str = "public") -> KubernetesObject:
    """The object in the line, between the first and the last line of its here-document."""
    line = commands(EnrolmentPlace("eu-west", egress, ENROLMENT["$(ADDRESS)"]), "CODE")["kubernetes"]
    first, *inside, last = line.splitlines()
    # The mark is quoted, so the shell changes nothing of what is between.
    assert (first, last) == ("kubectl apply -f - <<'VIGIL'", "VIGIL")
    one: KubernetesObject = yaml.safe_load("\n".join(inside))
    return one


def of_chart() -> KubernetesObject:
    return of_helm("region-values.yaml")["StatefulSet", "vigil-region"]


def shape(one: KubernetesObject) -> dict[str, Any]:
    """What runs in the pod and how, without names and labels, nor where the enrolment comes from."""
    pod = dict(one["spec"]["template"]["spec"])
    (container,) = pod.pop("containers")
    taken = {name: value for name, value in container.items() if name not in OF_THE_CHART}
    taken["args"] = [ENROLMENT.get(word, word) for word in container["args"]]
    taken["env"] = [each for each in container["env"] if each["name"].startswith("VIGIL_")]
    (claim,) = one["spec"]["volumeClaimTemplates"]
    return {
        "replicas": one["spec"]["replicas"],
        "pod": {name: value for name, value in pod.items() if name not in OF_THE_CHART},
        "container": taken,
        "claim": (claim["metadata"]["name"], claim["spec"]),
    }


def test_the_line_and_the_chart_start_the_same_worker() -> None:
    assert shape(of_line()) == shape(of_chart())


def test_the_line_says_where_the_worker_may_look() -> None:
    (container,) = of_line("private")["spec"]["template"]["spec"]["containers"]
    assert {"name": "VIGIL_EGRESS", "value": "private"} in container["env"]


@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_takes_the_object_of_the_line(release: str) -> None:
    one = of_line()
    assert [fault.message for fault in schema_of(one, release).iter_errors(one)] == []
    labels = one["spec"]["template"]["metadata"]["labels"]
    assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
