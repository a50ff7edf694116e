"""Problem documents as bytes, also for what answers before Django does."""

from __future__ import annotations

import json
from urllib.parse import quote

from vigil.configuration import configuration
from vigil.problems.problem import Problem, document


def is_api(path: str) -> bool:
    """Whether errors at a path are told as problems."""
    return path == "/api" or path.startswith("/api/")


def encoded(problem: Problem, path: str, request_id: str) -> bytes:
    """The document of a problem that a request of this path and id met."""
    instance = quote(path, safe="/:@", errors="replace")
    return json.dumps(document(problem, configuration().base_url, instance, request_id), default=str).encode()
