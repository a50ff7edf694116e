"""Presets of AI gateways: proxies in front of models, and serving frameworks.

A proxy may be healthy while every model behind it is down: each preset says what its answer proves.
"""

from __future__ import annotations

from probes.presets.servers import server
from probes.presets.shape import Key, Models
from probes.reasons import Reason

PRESETS = (
    server(
        "litellm",
        "LiteLLM proxy",
        4000,
        "/health/liveliness",
        "https://docs.litellm.ai/docs/proxy/health",
        "The proxy answers. It costs nothing, unlike /health, and says nothing of the models.",
        key=Key.OPTIONAL,
        assertions=({"type": "body_contains", "text": "alive"},),
        models=Models(path="/v1/models", means="the model group is configured and allowed for this key"),
    ),
    server(
        "litellm-ready",
        "LiteLLM proxy readiness",
        4000,
        "/health/readiness",
        "https://docs.litellm.ai/docs/proxy/health",
        "The proxy is ready, its database included; no database at all is fine.",
        # With some databases down, the code stays 200 and the status says healthy.
        assertions=({"type": "regex", "pattern": '"db"\\s*:\\s*"(connected|Not connected)"'},),
        family="litellm",
    ),
    server(
        "litellm-models",
        "LiteLLM model groups",
        4000,
        "/v1/models",
        "https://docs.litellm.ai/docs/proxy/model_management",
        "The key is valid, and the proxy lists its groups; a group whose every model is dead is listed as well.",
        key=Key.REQUIRED,
        assertions=({"type": "jsonpath", "path": "$.object", "equals": "list"},),
        models=Models(means="the model group is configured and allowed for this key"),
        family="litellm",
    ),
    server(
        "litellm-health",
        "LiteLLM health of all models",
        4000,
        "/health",
        "https://docs.litellm.ai/docs/proxy/health",
        "Models answered in the proxy's own last round. The code is 200 with every model dead: the counts say it.",
        key=Key.REQUIRED,
        # Just after a start the body is {}: nothing is known yet. At 0 the others are worse.
        assertions=(
            {"type": "jsonpath", "path": "$.healthy_count", "exists": True, "gives": "degraded", "reason": "loading"},
            {"type": "jsonpath", "path": "$[?$.healthy_count < 1]", "absent": True},
            {"type": "jsonpath", "path": "$[?$.unhealthy_count > 0]", "absent": True, "gives": "degraded"},
        ),
        family="litellm",
        billed="unless background_health_checks is on, every check makes a real, billed completion on every deployment",
        also=("litellm-health-cached",),
    ),
    server(
        "litellm-health-model",
        "LiteLLM live test of one model",
        4000,
        "/health?model={model}",
        "https://docs.litellm.ai/docs/proxy/health",
        "A deployment of the model group answered a real completion: just now, or in the proxy's last round where "
        "background_health_checks is on. Asked once an hour.",
        key=Key.REQUIRED,
        needs=("model",),
        assertions=({"type": "jsonpath", "path": "$.healthy_count", "at_least": 1},),
        family="litellm",
        billed="every check makes a real, billed completion on every deployment of the group",
        timeout_ms=60_000,
        interval_s=3_600,
    ),
    server(
        "ray-serve",
        "Ray Serve",
        8000,
        "/-/healthz",
        "https://docs.ray.io/en/latest/serve/",
        "The proxy of this node answers.",
        family="rayserve",
        assertions=({"type": "body_contains", "text": "success"},),
    ),
    server(
        "ray-serve-applications",
        "Ray Serve applications",
        8265,
        "/api/serve/applications/",
        "https://docs.ray.io/en/latest/serve/api/",
        "Every application is running, by the dashboard. Since Ray 2.52 the dashboard may ask for a token: the key is "
        "the text of ~/.ray/auth_token on the head node, or of RAY_AUTH_TOKEN.",
        key=Key.OPTIONAL,
        family="rayserve",
        assertions=({"type": "jsonpath", "path": "$.applications.*.status", "all_equal": "RUNNING"},),
        timeout_ms=10_000,
        also=("rayserve-apps",),
    ),
    server(
        "kserve",
        "KServe model",
        8080,
        "/v2/models/{model}/ready",
        "https://kserve.github.io/website/",
        "The model is ready, by the second version of its protocol.",
        needs=("model",),
        also=("kserve-v2",),
    ),
    server(
        "kserve-v1",
        "KServe model (version 1)",
        8080,
        "/v1/models/{model}",
        "https://kserve.github.io/website/",
        "The model is ready, by the first version of its protocol.",
        needs=("model",),
        family="kserve",
        assertions=({"type": "regex", "pattern": '"ready"\\s*:\\s*"?[Tt]rue', "reason": Reason.LOADING.value},),
    ),
    server("bentoml", "BentoML", 3000, "/readyz", "https://docs.bentoml.com/", "The service takes requests."),
    server(
        "openai-compatible",
        "OpenAI-compatible server",
        8000,
        "/v1/models",
        "https://platform.openai.com/docs/api-reference/models/list",
        "The server answers in the way of the OpenAI API.",
        needs=("address",),
        key=Key.OPTIONAL,
        family="openai-compatible",
        client_base="/v1",
        assertions=({"type": "jsonpath", "path": "$.data", "exists": True},),
        models=Models(gives="degraded", means="the server lists the model; one that is only an alias may be left out"),
    ),
)
