"""Request ids: one for each request, on its answer and in the log lines about it."""

from __future__ import annotations

import re
import uuid

HEADER = "X-Request-ID"
#: Where a request keeps its id, beside its headers.
META_KEY = "vigil.request_id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(given: str) -> str:
    """The client's id if it is well-formed, so that it finds its request in our log; else a new one."""
    return given if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
