"""Presets of saturation: load and progress of a model server from its metrics, free of charge."""

from __future__ import annotations

from probes.presets.shape import Key, Preset

_SAYS = "The engine is neither full nor standing still with requests to answer; read from its own numbers."
_SLOW = "It tells requests only when they end, so that one at a long answer may look as if it stood still."


def saturation(engine: str, title: str, port: int, doc: str, **more: object) -> Preset:
    family = engine.replace("-", "")
    name = str(more.pop("name", f"{engine}-saturation"))
    called, says = str(more.pop("called", f"{title} saturation")), str(more.pop("says", _SAYS))
    fields: dict[str, object] = {"path": "/metrics", "key": Key.OPTIONAL, "timeout_ms": 5_000, **more}
    return Preset(
        name=name,
        title=called,
        family=family,
        address=f"http://localhost:{port}",
        own_address=True,
        doc=doc,
        says=says,
        kind="saturation",
        engine=family,
        **fields,  # type: ignore[arg-type]  # the fields of Preset
    )


PRESETS = (
    saturation("vllm", "vLLM", 8000, "https://docs.vllm.ai/en/latest/usage/metrics.html"),
    saturation(
        "sglang",
        "SGLang",
        30000,
        "https://docs.sglang.ai/references/production_metrics.html",
        warnings=("SGLang publishes metrics only when it was started with --enable-metrics.",),
    ),
    saturation("tgi", "Text Generation Inference", 8080, "https://huggingface.co/docs/text-generation-inference"),
    saturation(
        "llama-cpp",
        "llama.cpp",
        8080,
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        warnings=("llama.cpp publishes metrics only when it was started with --metrics.",),
    ),
    saturation(
        "litellm",
        "LiteLLM",
        4000,
        "https://docs.litellm.ai/docs/proxy/health",
        path="/health/backlog",
        key=Key.REQUIRED,
        also=("litellm-backlog",),
        # It counts no tokens and may have no queue: it reports only the requests that run.
        limits={"running_most": 200.0},
    ),
    saturation(
        "litellm",
        "LiteLLM",
        4000,
        "https://docs.litellm.ai/docs/proxy/prometheus",
        name="litellm-deployments",
        called="LiteLLM deployments in cooldown",
        says="By the proxy's own metrics, no deployment is in cooldown; the detail names each that is.",
        path="/metrics/",
        # One answer that streams for minutes moves nothing at a proxy with little else to do.
        limits={"stalled_s": 900.0},
        warnings=(
            "LiteLLM publishes metrics with the callback prometheus only, and may ask for a key.",
            "A group of one deployment is never cooled down, and one in cooldown counts as such until it succeeds.",
        ),
    ),
    saturation(
        "ollama",
        "Ollama",
        11434,
        "https://github.com/ollama/ollama/blob/main/docs/api.md",
        path="/api/ps",
        says="No model in memory is held by a request long past its time; Ollama publishes no metrics of its queue.",
        limits={"stalled_s": 600.0},
        warnings=(_SLOW,),
    ),
    saturation(
        "triton",
        "Triton",
        8002,
        "https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md",
        warnings=("Triton before 2.38 tells no pending requests, so that a stall cannot be seen.", _SLOW),
    ),
    saturation(
        "ray-serve",
        "Ray Serve",
        8080,
        "https://docs.ray.io/en/latest/serve/monitoring.html",
        warnings=("Ray publishes metrics of a node at --metrics-export-port.", f"Without vLLM in it: {_SLOW}"),
    ),
    saturation(
        "nim",
        "NVIDIA NIM",
        8000,
        "https://docs.nvidia.com/nim/",
        path="/v1/metrics",
    ),
    saturation(
        "kserve",
        "KServe",
        8080,
        "https://kserve.github.io/website/",
        warnings=("KServe's runtimes in Python tell no running requests, so that only those with vLLM can be judged.",),
    ),
)
