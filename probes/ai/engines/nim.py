"""Metrics of NVIDIA NIM for language models, 1.x, at `/v1/metrics`.

Sources: the metrics adapter in NIM images (names without a prefix), and newer images that publish vLLM's own names.
"""

from __future__ import annotations

from probes.ai.engines import vllm
from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "NVIDIA NIM",
    running=("num_requests_running", "vllm:num_requests_running"),
    waiting=("num_requests_waiting", "vllm:num_requests_waiting"),
    cache=("gpu_cache_usage_perc", *vllm.CACHE),
    steps=(
        "generation_tokens_total", "prompt_tokens_total", "time_per_output_token_seconds_count", *vllm.STEPS,
    ),
    ends=("request_success_total", "request_finish_total", *vllm.FINISHED),
    moves=("gpu_cache_usage_perc", *vllm.CACHE),
    finished=("request_finish_total", "request_success_total", *vllm.FINISHED),
    preempted=("vllm:num_preemptions_total",),
    capacity=("num_request_max",),
    asked=vllm.ASKED,
    embedded=True,
    fixed=True,
)  # fmt: skip
