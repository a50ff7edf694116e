"""Write the public addresses into the chart and the overlay of a region, from the lists of its worker's egress guard.

python3 deploy/network_policies.py
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deploy.nftables.generate import NAT64, PUBLIC_V6, behind_nat64, refused
from probes.net.guard import Network

_HERE = Path(__file__).resolve().parent

_CHART = """\
{{{{/* Public addresses as peers of a policy. Made by deploy/network_policies.py from the lists of the guard. */}}}}
{{{{- define "vigil.public" -}}}}
{peers}
{{{{- end -}}}}
"""

_OVERLAY = """\
# Second wall around a worker with VIGIL_EGRESS=public: the cluster lets out what its egress guard lets out.
# Made by deploy/network_policies.py from the lists of the guard. What else the worker must reach is added by a patch:
# deploy/guide/kubernetes.md, "A second wall".
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: vigil-eu-west-region
  labels: {{app.kubernetes.io/component: region}}
spec:
  podSelector: {{matchLabels: {{app.kubernetes.io/component: region}}}}
  policyTypes: [Egress]
  egress:
    - to:
{peers}
    # Redis in pods of this namespace.
    - to:
        - podSelector:
            matchExpressions:
              - {{key: app.kubernetes.io/name, operator: In, values: [redis, valkey]}}
      ports:
        - {{port: 6379, protocol: TCP}}
        - {{port: 6380, protocol: TCP}}
        - {{port: 26379, protocol: TCP}}
"""


def files() -> dict[Path, str]:
    """Each file with what belongs into it."""
    return {
        _HERE / "helm" / "vigil" / "templates" / "_public.tpl": _CHART.format(peers=_peers(indent=0)),
        _HERE / "kustomize" / "region" / "outside.yaml": _OVERLAY.format(peers=_peers(indent=8)),
    }


def _blocks() -> Iterator[tuple[Network, list[Network]]]:
    """Networks with public addresses, and the parts of each that are not public.

    Kubernetes takes as `except` only a part of its `cidr`. IPv6 outside of these two networks is not public, so forms
    with an IPv4 address inside need no mention but NAT64, where that address decides.
    """
    v4, v6 = refused()
    unicast = ipaddress.IPv6Network(PUBLIC_V6)
    yield ipaddress.IPv4Network("0.0.0.0/0"), [*v4]
    yield unicast, [each for each in v6 if each.subnet_of(unicast)]
    yield ipaddress.IPv6Network(NAT64), [behind_nat64(each) for each in v4]


def _peers(indent: int) -> str:
    lines = []
    for network, parts in _blocks():
        lines += ["- ipBlock:", f"    cidr: {network}", "    except:", *(f"      - {part}" for part in parts)]
    return "\n".join(" " * indent + line for line in lines)


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text)
