"""Table of the model servers whose load and progress are read: one file and one line for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from probes.ai.engines import kserve, litellm, llamacpp, nim, ollama, rayserve, sglang, tgi, triton, vllm
from probes.ai.engines.shape import Engine

__all__ = ["ENGINES", "Engine"]

ENGINES: Mapping[str, Engine] = {
    "kserve": kserve.ENGINE,
    "litellm": litellm.ENGINE,
    "llamacpp": llamacpp.ENGINE,
    "nim": nim.ENGINE,
    "ollama": ollama.ENGINE,
    "rayserve": rayserve.ENGINE,
    "sglang": sglang.ENGINE,
    "tgi": tgi.ENGINE,
    "triton": triton.ENGINE,
    "vllm": vllm.ENGINE,
}
