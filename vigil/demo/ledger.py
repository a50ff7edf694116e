"""Demo database access (blocking): creates the monitor and channel, and reads their state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import close_old_connections

from probes.wire import CANARY_KIND
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel
from vigil.demo.gateways.status_page import STATUS_PAGE
from vigil.demo.model_lists.live import ALIAS, OLD
from vigil.demo.shapes import DEMO_KEY
from vigil.demo.stage import INTERVAL_S
from vigil.feeds.models import Feed
from vigil.heartbeats.changes import create_heartbeat
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.monitors.changes import create_monitor
from vigil.monitors.composites import Member, create_composite
from vigil.monitors.core.composite_rules import CompositeRule
from vigil.monitors.models import Monitor, Region

TIMEOUT_MS = 2_000
MORE_INTERVAL_S = 30
#: A model that the fake OpenRouter offers through three providers.
OFFERED = "/openrouter/api/v1/models/meta/llama-x/endpoints"
CANARY_INTERVAL_S = 60
LISTED = "/mistral/v1/models"
#: What more there is in the configuration of some: what they tell beyond up and down.
_MORE_CONFIG: dict[str, dict[str, object]] = {
    OFFERED: {"provider": "openrouter"},
    LISTED: {
        "provider": "mistral",
        "assertions": [
            {"type": "jsonpath", "path": "$.data[*].aliases[*]", "contains": ALIAS, "reason": "model_missing"},
            {"type": "jsonpath", "path": "$.data[*].id", "contains": OLD, "reason": "model_missing"},
        ],
    },
}
#: Name, path and key of monitors beside the story.
_MORE = (
    ("OpenRouter (fake): who serves a model", OFFERED, ""),
    ("Mistral (fake): models", LISTED, DEMO_KEY),
    ("Groq (fake): models", "/groq/openai/v1/models", DEMO_KEY),
    ("Together (fake): wrong key", "/together/v1/models", "not-the-key"),
    ("Ollama (fake)", "/ollama/api/tags", ""),
    ("vLLM (fake)", "/vllm/health", ""),
    ("Triton (fake)", "/triton/v2/health/ready", ""),
    ("Qdrant (fake)", "/qdrant/readyz", ""),
    ("Chroma (fake)", "/chroma/api/v2/heartbeat", ""),
)
#: Whom the fakes stand for, by how the names of their monitors begin.
_PROVIDERS = {
    "openai": "OpenAI",
    "mistral": "Mistral",
    "groq": "Groq",
    "together": "Together",
    "openrouter": "OpenRouter",
}
#: Name, kind and configuration of what only a monitor that understands AI endpoints can tell.
_SERVING: tuple[tuple[str, str, dict[str, object]], ...] = (
    (
        "vLLM (fake): eight engines, one hangs",
        "saturation",
        {"url": "/fleet/metrics", "engine": "vllm", "stalled_s": 60},
    ),
    ("LiteLLM (fake): deployments", "saturation", {"url": "/litellm/metrics/", "engine": "litellm"}),
    ("MCP (fake): tools that change", "mcp", {"url": "/mcp/tools", "expected_tools": ["search", "fetch"]}),
)
#: Canaries beside the story: one that is well, one whose streams stall, and one whose budget is soon spent.
_CANARIES: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("OpenAI (fake): canary", "demo-model", 1.0, {"expect_text": "ready"}),
    ("OpenAI (fake): canary that stalls", "demo-model-stall", 1.0, {"stall_s": 0.5, "bad_answers": 2, "of_answers": 3}),
    ("OpenAI (fake): canary with a small budget", "demo-model", 0.00013, {}),
)


#: Name and path of monitors whose keys have limits, or that do not serve everywhere.
_METERED = (
    ("OpenAI (fake): metered key", "/metered/v1/models"),
    ("OpenAI (fake): spent key", "/spent/v1/models"),
    ("OpenAI (fake): not in every country", "/fenced/v1/models"),
)


def set_the_stage(provider: str, hook: str, secret: str, regions: Sequence[str]) -> str:
    """Create a monitor of the provider in `regions`, and a channel to the hook; returns the monitor's id."""
    team = default_team()
    channel = Channel(team=team, name="demo receiver", kind="webhook", config={"url": hook}, secrets={"secret": secret})
    channel.save()
    monitor = create_monitor(
        team,
        {
            "name": "OpenAI (fake): list models",
            "kind": "http",
            "config": {"url": f"{provider}/openai/v1/models"},
            "secrets": {"bearer": DEMO_KEY},
            "interval_s": INTERVAL_S,
            "timeout_ms": TIMEOUT_MS,
            "sensitivity": "high",
            "regions": list(Region.objects.filter(slug__in=regions)),
        },
    )
    return str(monitor.public_id)


def set_more_on_the_stage(provider: str, regions: Sequence[str]) -> None:
    """Create what makes the pages worth a look after the story: servers that are well, a refused key, a job."""
    team, watching = default_team(), list(Region.objects.filter(slug__in=regions))
    for name, path, key in _MORE:
        wanted = {
            "name": name,
            "kind": "http",
            "config": {"url": f"{provider}{path}", **_MORE_CONFIG.get(path, {})},
            "secrets": {"bearer": key} if key else {},
            "interval_s": MORE_INTERVAL_S,
            "timeout_ms": TIMEOUT_MS,
            "tags": ["demo"],
            "regions": watching,
        }
        create_monitor(team, wanted)
    for name, kind, config in _SERVING:
        kept = {"url": f"{provider}{config['url']}"}
        wanted = {
            "name": name,
            "kind": kind,
            "config": {**config, **kept},
            "interval_s": MORE_INTERVAL_S,
            "timeout_ms": TIMEOUT_MS,
            "tags": ["demo", "ai"],
            "regions": watching,
        }
        create_monitor(team, wanted)
    metered = []
    for name, path in _METERED:
        wanted = {
            "name": name,
            "kind": "http",
            "config": {"url": f"{provider}{path}", "provider": "openai"},
            "interval_s": MORE_INTERVAL_S,
            "timeout_ms": TIMEOUT_MS,
            "tags": ["demo"],
            "regions": watching,
            "headroom_warning_minutes": 60,
        }
        metered.append(create_monitor(team, wanted))
    members = [Member(monitor, rank) for rank, monitor in enumerate(metered[:2])]
    wanted = {"name": "Chat (fake): with a fallback", "rule": CompositeRule.READINESS, "members": members}
    create_composite(team, {**wanted, "tags": ["demo"]})
    _set_canaries_on_the_stage(team, provider, watching)
    create_heartbeat(team, {"name": "Nightly embeddings", "tags": ["demo"]})
    Feed.objects.update_or_create(provider="openai", defaults={"url": f"{provider}{STATUS_PAGE}", "enabled": True})
    # The catalogue of providers goes by host, and all of these are on this machine.
    for provider_key, prefix in _PROVIDERS.items():
        Monitor.objects.filter(team=team, name__startswith=prefix).update(provider=provider_key)
        Incident.objects.filter(monitor__provider=provider_key).update(provider=provider_key)


def _set_canaries_on_the_stage(team: Team, provider: str, watching: Sequence[Region]) -> None:
    for name, model, budget, demands in _CANARIES:
        config = {
            "url": f"{provider}/openai/v1/chat/completions",
            "form": "openai_chat",
            "model": model,
            "billing_acknowledged": True,
            "monthly_budget": budget,
            "input_price": 0.5,
            "output_price": 1.5,
        }
        wanted = {"name": name, "kind": CANARY_KIND, "config": {**config, **demands}, "secrets": {"bearer": DEMO_KEY}}
        create_monitor(team, {**wanted, "interval_s": CANARY_INTERVAL_S, "tags": ["demo"], "regions": list(watching)})


def status_of(monitor: str) -> str:
    """Status of the monitor; empty if unknown."""
    close_old_connections()
    state = MonitorState.objects.filter(monitor__public_id=monitor).values_list("status", flat=True).first()
    return str(state or "")


def regional_incident_ms(monitor: str) -> int:
    """Opening time of a regional incident of the monitor; 0 if none."""
    close_old_connections()
    incident = Incident.objects.filter(monitor__public_id=monitor, kind=IncidentKind.REGIONAL).first()
    return round(incident.opened_at.timestamp() * 1000) if incident else 0


def outage_verdict_ms(monitor: str) -> int:
    """Time of the verdict that opened the monitor's outage; 0 if none."""
    close_old_connections()
    opened = Transition.objects.filter(
        incident__monitor__public_id=monitor, incident__kind=IncidentKind.OUTAGE, step=Step.OPENED
    ).first()
    return int(opened.evidence.get("decided_ms", 0)) if opened else 0
