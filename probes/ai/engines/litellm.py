"""Metrics of the LiteLLM proxy, and its backlog in JSON.

Source: LiteLLM's `litellm/types/integrations/prometheus.py` and `docs/proxy/prometheus.md` (2025 to 2026). A deployment
is in cooldown at state 2; the state stays until it succeeds again. A group of one deployment is never cooled down.
"""

from __future__ import annotations

from typing import Any

from probes.ai.engines.shape import Engine, JsonValues

_BACKLOG = {"in_flight_requests": "running", "queued_requests": "waiting"}


def _backlog(content: Any, now_s: float) -> JsonValues:
    """`/health/backlog`: requests in flight, and queued ones where it has a queue."""
    if not isinstance(content, dict):
        raise ValueError("the answer is no JSON object")
    values = {meaning: content.get(name) for name, meaning in _BACKLOG.items()}
    return JsonValues(
        {
            meaning: {"": float(value)}
            for meaning, value in values.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15
        }
    )


ENGINE = Engine(
    "LiteLLM",
    running=("litellm_in_flight_requests",),
    ends=(
        "litellm_proxy_total_requests_metric_total",
        "litellm_deployment_total_requests_total",
        "litellm_deployment_success_responses_total",
    ),
    deployments="litellm_deployment_state",
    cooldowns=("litellm_deployment_cooled_down_total",),
    by=(),
    # Reading the page is itself a request in flight.
    own_requests=1,
    from_json=_backlog,
)
