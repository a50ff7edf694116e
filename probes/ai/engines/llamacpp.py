"""Metrics of llama.cpp's server, of 2024 to 2026.

Source: llama.cpp's `tools/server/README.md` and `server.cpp`; builds before the end of 2024 publish no steps.
"""

from __future__ import annotations

from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "llama.cpp",
    running=("llamacpp:requests_processing",),
    waiting=("llamacpp:requests_deferred",),
    cache=("llamacpp:kv_cache_usage_ratio",),
    steps=("llamacpp:n_decode_total",),
    ends=("llamacpp:tokens_predicted_total", "llamacpp:n_tokens_predicted_total", "llamacpp:prompt_tokens_total"),
    moves=("llamacpp:kv_cache_tokens",),
    by=(),
)
