"""One look with any prober, as a worker makes it, with a way out of its own unless one is given."""

from __future__ import annotations

from collections.abc import Mapping

from probes.checks.attempts import attempt
from probes.net.dialer import Dialer
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext
from probes.probers import PROBERS, parse_spec, validate_secrets
from tests.probes.loopback import way_out

NOW_S = 1_800_000_000.0


async def looked(
    kind: str,
    config: Mapping[str, object],
    secrets: Mapping[str, str] | None = None,
    *,
    dialer: Dialer | None = None,
    now_s: float = NOW_S,
    timeout_s: float = 5.0,
    explain: bool = False,
) -> Observation:
    """What one attempt sees; raises SpecError for what would be refused at save."""
    spec = parse_spec(kind, config)
    validate_secrets(kind, secrets or {})
    async with way_out() as own:
        context = ProbeContext(dialer or own, Trace(), now_s, explain=explain, timeout_s=timeout_s)
        return await attempt(PROBERS[kind], spec, secrets or {}, context, timeout_s)
