"""Address on which a process serves its metrics (VIGIL_METRICS_ADDRESS)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import pydantic

_ADVICE = "must look like 127.0.0.1:9464, [::1]:9464, 0.0.0.0:9464 or unix:/run/vigil/metrics.sock"


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """An IP address and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach it."""
        return bool(self.path) or ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_metrics_address(text: str) -> MetricsAddress | None:
    """The address that a setting names; None where it is empty: nothing is served. Raises ValueError."""
    if not text:
        return None
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        # The kernel takes 108 bytes, the last of which is 0.
        if not path.startswith("/") or path.endswith("/") or len(path.encode()) > 107:
            raise ValueError(_ADVICE)
        return MetricsAddress(path=path)
    try:
        parts = urlsplit(f"//{text}")
        host, port = str(ipaddress.ip_address(parts.hostname or "")), parts.port
    except ValueError:
        raise ValueError(_ADVICE) from None
    if not port or parts.path or parts.username is not None:
        raise ValueError(_ADVICE)
    return MetricsAddress(host, port)


def _checked(text: object) -> str:
    parse_metrics_address(str(text or ""))
    return str(text or "")


#: A setting of this form, checked at the start.
MetricsAddressText = Annotated[str, pydantic.BeforeValidator(_checked)]
