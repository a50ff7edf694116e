"""Trace context of a check (W3C Trace Context, level 1): ids that follow from the check, so that nothing is stored.

The trace has the check's own id; an exporter of results derives the same ids again.
https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from probes.wire import Check, check_id


def span_id(check: UUID) -> str:
    """The id of the check's span: 16 hexadecimal digits."""
    return hashlib.blake2b(check.bytes, digest_size=8, person=b"vigil span").hexdigest()


def traceparent_of(check: Check, spec: object, region: str) -> str:
    """The header's value, marked as sampled; empty where the monitor does not ask for it."""
    if not getattr(spec, "traceparent", False):
        return ""
    made = check_id(check.monitor, region, check.at_ms, check.round, check.look)
    return f"00-{made.hex}-{span_id(made)}-01"
