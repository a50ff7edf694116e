"""Cost warnings: health pages that spend money on every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from probes.ai.billing import litellm_health_calls_per_day

_LITELLM_PORT = 4000


def cost_warnings(config: Any, regions: int, interval_s: int, deployments: int = 1) -> list[str]:
    """Warning about LiteLLM's `/health`, which makes a real completion per deployment; empty for others."""
    url = config.get("url") if isinstance(config, Mapping) else None
    if not isinstance(url, str) or not _is_litellm(url, str(config.get("provider", ""))):
        return []
    calls = litellm_health_calls_per_day(url, deployments, regions, interval_s)
    if not calls:
        return []
    return [
        f"Unless LiteLLM has background_health_checks on, this makes {calls:,} real completions a day"
        f" for {'every deployment' if deployments == 1 else f'{deployments} deployments'} behind the proxy."
    ]


def refusal_estimate(config: Mapping[str, Any], interval_s: int) -> str:
    """Estimated cost of a refused monitor; empty if unknown."""
    url = str(config.get("url", ""))
    if config.get("billing_acknowledged") or not _is_litellm(url, str(config.get("provider", ""))):
        return ""
    calls = litellm_health_calls_per_day(url, 1, 1, interval_s)
    return (
        f" (every {interval_s} s: {calls:,} completions a day for each deployment, from each region)" if calls else ""
    )


def _is_litellm(url: str, provider: str) -> bool:
    try:
        return provider.startswith("litellm") or urlsplit(url).port == _LITELLM_PORT
    except ValueError:
        return False
