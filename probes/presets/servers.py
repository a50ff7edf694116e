"""Presets of model servers that people run themselves, and of the proxy in front of them.

A green health page may hide a dead engine, an installed model need not be loaded, and a proxy may be well while every
model behind it is gone: each preset says what its answer proves. Facts as of the servers' releases of 2026.
"""

from __future__ import annotations

from probes.presets.shape import Key, Models, Preset
from probes.reasons import Reason

_ALIVE = "The server answers; it says nothing of the engine behind it."


def _server(name: str, title: str, port: int, path: str, doc: str, says: str = _ALIVE, **more: object) -> Preset:
    return Preset(
        name=name,
        title=title,
        family=str(more.pop("family", name)),
        address=f"http://localhost:{port}",
        own_address=True,
        path=path,
        doc=doc,
        says=says,
        **{"timeout_ms": 5_000, **more},  # type: ignore[arg-type]  # the fields of Preset
    )


def _saturation(engine: str, title: str, port: int, doc: str, **more: object) -> Preset:
    return _server(
        f"{engine}-saturation",
        f"{title} saturation",
        port,
        str(more.pop("path", "/metrics")),
        doc,
        "The engine is neither full nor standing still with requests to answer; read from its metrics, free of charge.",
        kind="saturation",
        engine=engine.replace("-", ""),
        family=engine.replace("-", ""),
        **{"key": Key.OPTIONAL, **more},
    )


_SERVED = Models(path="/v1/models", means="the server serves the model")

PRESETS = (
    _server(
        "ollama",
        "Ollama",
        11434,
        "/api/version",
        "https://github.com/ollama/ollama/blob/main/docs/api.md",
        assertions=({"type": "jsonpath", "path": "$.version", "exists": True},),
        models=Models(
            path="/api/tags",
            names="$.models[*].name",
            template="{tagged}",
            means="the model is installed; the preset ollama-loaded asks whether it is in memory",
        ),
    ),
    _server(
        "ollama-loaded",
        "Ollama model in memory",
        11434,
        "/api/ps",
        "https://github.com/ollama/ollama/blob/main/docs/api.md",
        "The model is loaded, so the next request need not wait for it.",
        needs=("model",),
        models=Models(
            names="$.models[*].name",
            template="{tagged}",
            missing=Reason.MODEL_NOT_LOADED,
            gives="degraded",
            means="the model is in memory; Ollama unloads it after a while without requests",
        ),
        warnings=("Ollama unloads a model after five idle minutes unless keep_alive says otherwise.",),
    ),
    _server(
        "vllm",
        "vLLM",
        8000,
        "/health",
        "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        "The engine's process is alive; a stalled engine can still answer 200 here.",
        key=Key.OPTIONAL,
        models=_SERVED,
    ),
    _server(
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
    _server(
        "litellm-ready",
        "LiteLLM proxy readiness",
        4000,
        "/health/readiness",
        "https://docs.litellm.ai/docs/proxy/health",
        "The proxy is ready, its database included; no database at all is fine.",
        # The code stays 200 for some databases that are gone, and the status says healthy.
        assertions=({"type": "regex", "pattern": '"db"\\s*:\\s*"(connected|Not connected)"'},),
        family="litellm",
    ),
    _server(
        "sglang",
        "SGLang",
        30000,
        "/health",
        "https://docs.sglang.ai/",
        "The server and its scheduler answer.",
        key=Key.OPTIONAL,
        models=_SERVED,
        timeout_ms=25_000,
    ),
    _server(
        "tgi",
        "Text Generation Inference",
        8080,
        "/health",
        "https://huggingface.co/docs/text-generation-inference",
        "The shards answered a tiny internal generation, or were busy with real ones.",
        models=Models(path="/info", names="$.model_id", demand="equals", means="the server was started with the model"),
        timeout_ms=10_000,
    ),
    _server(
        "tei",
        "Text Embeddings Inference",
        8080,
        "/health",
        "https://huggingface.co/docs/text-embeddings-inference",
        "The backend answered a tiny internal embedding.",
        key=Key.OPTIONAL,
        models=Models(path="/info", names="$.model_id", demand="equals", means="the server was started with the model"),
        timeout_ms=10_000,
    ),
    _server(
        "llama-cpp",
        "llama.cpp server",
        8080,
        "/health",
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        "The model is loaded: while it loads, the answer is 503.",
        family="llamacpp",
        assertions=({"type": "jsonpath", "path": "$.status", "equals": "ok", "reason": Reason.LOADING.value},),
    ),
    _server(
        "triton",
        "Triton Inference Server",
        8000,
        "/v2/health/ready",
        "https://github.com/triton-inference-server/server",
        "The server and, by its default, all its models are ready.",
        models=None,
    ),
    _server(
        "triton-model",
        "Triton model",
        8000,
        "/v2/models/{name}/ready",
        "https://github.com/triton-inference-server/server",
        "The model named is ready; a model that is not is answered with 400.",
        family="triton",
        needs=("name",),
    ),
    _server("localai", "LocalAI", 8080, "/readyz", "https://localai.io/", key=Key.OPTIONAL, models=_SERVED),
    _server(
        "lm-studio",
        "LM Studio",
        1234,
        "/v1/models",
        "https://lmstudio.ai/docs/app/api/endpoints/openai",
        "The server answers with the models it could load.",
        key=Key.OPTIONAL,
        assertions=({"type": "jsonpath", "path": "$.data", "exists": True},),
        models=Models(means="the model is downloaded; LM Studio loads it when it is asked for"),
    ),
    _server(
        "ray-serve",
        "Ray Serve",
        8000,
        "/-/healthz",
        "https://docs.ray.io/en/latest/serve/",
        "The proxy of this node answers.",
        family="rayserve",
        assertions=({"type": "body_contains", "text": "success"},),
    ),
    _server(
        "ray-serve-applications",
        "Ray Serve applications",
        8265,
        "/api/serve/applications/",
        "https://docs.ray.io/en/latest/serve/api/",
        "Every application is running, by the dashboard.",
        family="rayserve",
        assertions=({"type": "jsonpath", "path": "$.applications.*.status", "all_equal": "RUNNING"},),
        timeout_ms=10_000,
    ),
    _server(
        "nim",
        "NVIDIA NIM",
        8000,
        "/v1/health/ready",
        "https://docs.nvidia.com/nim/",
        "The model is loaded and the server takes requests.",
        models=_SERVED,
    ),
    _server(
        "kserve",
        "KServe model",
        8080,
        "/v2/models/{name}/ready",
        "https://kserve.github.io/website/",
        "The model named is ready.",
        needs=("name",),
    ),
    _server("bentoml", "BentoML", 3000, "/readyz", "https://docs.bentoml.com/", "The service takes requests."),
    _server(
        "openai-compatible",
        "OpenAI-compatible server",
        8000,
        "/v1/models",
        "https://platform.openai.com/docs/api-reference/models/list",
        "The server answers in the way of the OpenAI API.",
        needs=("address",),
        key=Key.OPTIONAL,
        family="openai-compatible",
        assertions=({"type": "jsonpath", "path": "$.data", "exists": True},),
        models=Models(means="the server lists the model"),
    ),
    _saturation("vllm", "vLLM", 8000, "https://docs.vllm.ai/en/latest/usage/metrics.html"),
    _saturation(
        "sglang",
        "SGLang",
        30000,
        "https://docs.sglang.ai/references/production_metrics.html",
        warnings=("SGLang publishes metrics only when it was started with --enable-metrics.",),
    ),
    _saturation("tgi", "Text Generation Inference", 8080, "https://huggingface.co/docs/text-generation-inference"),
    _saturation(
        "llama-cpp",
        "llama.cpp",
        8080,
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        warnings=("llama.cpp publishes metrics only when it was started with --metrics.",),
    ),
    _saturation(
        "litellm",
        "LiteLLM",
        4000,
        "https://docs.litellm.ai/docs/proxy/health",
        path="/health/backlog",
        key=Key.REQUIRED,
    ),
)
