"""Presets of self-hosted model servers.

A healthy page may hide a dead engine, and an installed model need not be loaded: each preset says what its answer
proves. Facts as of the servers' releases of 2026.
"""

from __future__ import annotations

from probes.presets.shape import Key, Models, Preset
from probes.reasons import Reason

_ALIVE = "The server answers; it says nothing of the engine behind it."


def server(name: str, title: str, port: int, path: str, doc: str, says: str = _ALIVE, **more: object) -> Preset:
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


SERVED = Models(path="/v1/models", means="the server serves the model")
_STARTED_WITH = Models(
    path="/info", names="$.model_id", comparison="equals", means="the server was started with the model"
)
_READY = Models(path="/v2/models/{model}/ready", comparison="", means="the model is loaded and ready")
_LATE_PORT = "While it loads the model its port is closed: a refused connection may be a start of 1 to 15 minutes."

PRESETS = (
    server(
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
        also=("ollama-installed",),
    ),
    server(
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
    server(
        "vllm",
        "vLLM",
        8000,
        "/health",
        "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        "The engine's process is alive; a stalled engine can still answer 200 here (see vllm-saturation).",
        key=Key.OPTIONAL,
        models=SERVED,
        also=("vllm-model", "hosted-vllm"),
        warnings=(_LATE_PORT,),
    ),
    server(
        "sglang",
        "SGLang",
        30000,
        "/health",
        "https://docs.sglang.ai/",
        "The engine has just generated a token, which takes a second by design.",
        key=Key.OPTIONAL,
        models=SERVED,
        timeout_ms=25_000,
        also=("sglang-model",),
    ),
    server(
        "tgi",
        "Text Generation Inference",
        8080,
        "/health",
        "https://huggingface.co/docs/text-generation-inference",
        "The shards answered a tiny internal generation, or were busy with real ones.",
        models=_STARTED_WITH,
        timeout_ms=10_000,
        also=("tgi-model", "text-generation-inference"),
        warnings=(_LATE_PORT,),
    ),
    server(
        "tei",
        "Text Embeddings Inference",
        8080,
        "/health",
        "https://huggingface.co/docs/text-embeddings-inference",
        "The backend answered a tiny internal embedding.",
        key=Key.OPTIONAL,
        models=_STARTED_WITH,
        timeout_ms=10_000,
        also=("tei-model", "text-embeddings-inference"),
    ),
    server(
        "llama-cpp",
        "llama.cpp server",
        8080,
        "/health",
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        "The model is loaded: while it loads, the answer is 503.",
        key=Key.OPTIONAL,
        family="llamacpp",
        assertions=({"type": "jsonpath", "path": "$.status", "equals": "ok", "reason": Reason.LOADING.value},),
        models=Models(path="/v1/models", means="the server serves the model, under its alias or the path of its file"),
        also=("llamafile",),
    ),
    server(
        "llama-cpp-slots",
        "llama.cpp free slot",
        8080,
        "/slots?fail_on_no_slot=1",
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        "A slot is free; when none is, the answer is 503.",
        key=Key.OPTIONAL,
        family="llamacpp",
    ),
    server(
        "llama-cpp-props",
        "llama.cpp key",
        8080,
        "/props",
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        "The key is valid: the health page and the list of models are open to everybody.",
        key=Key.OPTIONAL,
        family="llamacpp",
        assertions=({"type": "jsonpath", "path": "$.total_slots", "at_least": 1},),
    ),
    server(
        "triton",
        "Triton Inference Server",
        8000,
        "/v2/health/ready",
        "https://github.com/triton-inference-server/server",
        "The server and, by its default, all its models are ready.",
        models=_READY,
    ),
    server(
        "triton-model",
        "Triton model",
        8000,
        "/v2/models/{model}/ready",
        "https://github.com/triton-inference-server/server",
        "The model is ready; one that is not, or is unknown, is answered with 400.",
        family="triton",
        needs=("model",),
    ),
    server(
        "localai",
        "LocalAI",
        8080,
        "/readyz",
        "https://localai.io/",
        key=Key.OPTIONAL,
        models=Models(path="/v1/models", means="the model is configured; LocalAI loads it when it is asked for"),
        also=("localai-model",),
    ),
    server(
        "lm-studio",
        "LM Studio",
        1234,
        "/v1/models",
        "https://lmstudio.ai/docs/app/api/endpoints/openai",
        "The server answers with the models it could load.",
        key=Key.OPTIONAL,
        assertions=({"type": "jsonpath", "path": "$.data", "exists": True},),
        models=Models(means="the model is downloaded; LM Studio loads it when it is asked for"),
        also=("lmstudio-model",),
    ),
    server(
        "lm-studio-loaded",
        "LM Studio model in memory",
        1234,
        "/api/v1/models",
        "https://lmstudio.ai/docs/developer/rest",
        "The model is loaded, so the next request need not wait for it (LM Studio 0.4 or newer).",
        key=Key.OPTIONAL,
        family="lm-studio",
        needs=("model",),
        models=Models(
            names="$.models[?@.key == '{model}'].loaded_instances[*]",
            comparison="exists",
            missing=Reason.MODEL_NOT_LOADED,
            gives="degraded",
            means="an instance of the model is in memory",
        ),
    ),
    server(
        "nim",
        "NVIDIA NIM",
        8000,
        "/v1/health/ready",
        "https://docs.nvidia.com/nim/",
        "The model is loaded and the server takes requests.",
        models=SERVED,
        also=("nim-model", "nvidia-nim"),
    ),
)
