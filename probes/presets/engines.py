"""Presets of saturation: load and progress of a model server from its metrics, free of charge."""

from __future__ import annotations

from probes.presets.shape import Key, Preset


def saturation(engine: str, title: str, port: int, doc: str, **more: object) -> Preset:
    family = engine.replace("-", "")
    fields: dict[str, object] = {"path": "/metrics", "key": Key.OPTIONAL, "timeout_ms": 5_000, **more}
    return Preset(
        name=f"{engine}-saturation",
        title=f"{title} saturation",
        family=family,
        address=f"http://localhost:{port}",
        own_address=True,
        doc=doc,
        says="The engine is neither full nor standing still with requests to answer; read from its own numbers.",
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
)
