"""Commands that enrol a worker and start it, in the forms that people run workers in. Pure.

Each is pasted as it is into a shell: name and code are of letters, digits, `-` and `_`, the address is quoted.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

#: The image, as deploy/README.md builds it.
IMAGE = "vigil-probe"
#: The newest wheel in the folder where the command is run. A shell finds no file for a pattern that extras follow.
WHEEL = '"./$(ls -t vigilmon-*.whl | head -n 1)[probe]"'
#: Ways to run a worker.
FORMS = ("docker", "systemd", "kubernetes", "pipx", "uv", "checkout")
#: Where an image or a unit keeps the worker's file.
STATE = "/var/lib/vigil"

#: As deploy/compose.region.yaml starts it. The health check cannot end a stopped worker that is the first process.
_DOCKER = (
    "--restart unless-stopped --init --read-only --tmpfs /tmp --cap-drop ALL "
    "--security-opt no-new-privileges:true --pids-limit 256 --memory 1g"
)

#: The pod is that of deploy/helm and deploy/kustomize, but for how the code gets into it.
_KUBERNETES = """kubectl apply -f - <<'VIGIL'
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: vigil-{region}, labels: {{app: vigil-{region}}}}}
spec:
  replicas: 1
  serviceName: vigil-{region}
  selector: {{matchLabels: {{app: vigil-{region}}}}}
  template:
    metadata: {{labels: {{app: vigil-{region}}}}}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: {{type: RuntimeDefault}}
      containers:
        - name: process
          image: {image}
          args: [enrol, {url}, {code}, --file, {state}/identity.json, --run]
          env:
            - {{name: VIGIL_ALIVE_FILE, value: /tmp/alive}}
            - {{name: VIGIL_EGRESS, value: {egress}}}
            - {{name: VIGIL_JOURNAL, value: {state}/journal.sqlite}}
          startupProbe:
            exec: {{command: [test, -e, /tmp/alive]}}
            periodSeconds: 2
            failureThreshold: 450
          livenessProbe:
            exec: {{command: [sh, -c, 'test -n "$(find /tmp/alive -mmin -0.5)"']}}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 2
          resources: {{requests: {{cpu: 50m, memory: 192Mi}}, limits: {{memory: 1Gi}}}}
          securityContext:
            {{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {{drop: [ALL]}}}}
          volumeMounts:
            - {{name: tmp, mountPath: /tmp}}
            - {{name: state, mountPath: {state}}}
      volumes: [{{name: tmp, emptyDir: {{medium: Memory, sizeLimit: 64Mi}}}}]
  volumeClaimTemplates:
    - metadata: {{name: state}}
      spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
VIGIL"""


@dataclass(frozen=True, slots=True)
class EnrolmentPlace:
    """What the commands name: a region, where it may look (`public` or `private`), and the control plane's address."""

    region: str
    egress: str
    base_url: str


def commands(place: EnrolmentPlace, code: str) -> dict[str, str]:
    """The commands by form. Those of a service also replace the worker that runs: it knows its old keys alone."""
    region, private = place.region, place.egress == "private"
    url = shlex.quote(place.base_url)
    environment = "VIGIL_EGRESS=private " if private else ""
    flag = "-e VIGIL_EGRESS=private " if private else ""
    # The unit reads it there; what its host has decided stays.
    settings = f"/etc/vigil/{region}.env"
    noted = (
        f"sudo mkdir -p /etc/vigil && {{ sudo grep -qs ^VIGIL_EGRESS= {settings}"
        f" || echo VIGIL_EGRESS=private | sudo tee -a {settings}; }} && "
    )
    # A file of each region: one user may run the workers of several.
    enrol = f"enrol {url} {code} --file ~/.local/state/vigil/{region}.json --run"
    return {
        "docker": f"docker rm -f vigil-{region} > /dev/null 2>&1; docker run -d --name vigil-{region} {_DOCKER} {flag}"
        f"-v vigil-{region}:{STATE} {IMAGE} enrol {url} {code} --file {STATE}/identity.json --run",
        "systemd": f"sudo -u vigil /opt/vigil/venv/bin/vigil-probe enrol {url} {code} --file {STATE}/{region}.json"
        f" && {noted if private else ''}sudo systemctl enable vigil-region@{region}"
        f" && sudo systemctl restart vigil-region@{region}",
        "kubernetes": _KUBERNETES.format(
            region=region, egress=place.egress, url=url, code=code, image=IMAGE, state=STATE
        ),
        "pipx": f"pipx install {WHEEL} && {environment}vigil-probe {enrol}",
        "uv": f"{environment}uvx --from {WHEEL} vigil-probe {enrol}",
        "checkout": f"{environment}python3 manage.py probe {enrol}",
    }


def is_reachable_from_outside(base_url: str) -> bool:
    """Whether workers on other machines can enrol at an address: only HTTPS is taken off loopback."""
    return urlsplit(base_url).scheme == "https"
