"""Metrics of vLLM, 0.5 to 0.32.

Sources: vLLM's `vllm/v1/metrics/loggers.py` and `docs/design/metrics.md` (2025 to 2026), its page of 0.5.3 for V0.
"""

from __future__ import annotations

from probes.ai.engines.shape import Engine

#: The steps of the engine. Counted when the tokens of a prompt are done; while a long prompt is read only the use of
#: the cache grows, since a step without output is not counted.
STEPS = (
    "vllm:generation_tokens_total",
    "vllm:prompt_tokens_total",
    "vllm:iteration_tokens_total_count",
    "vllm:iteration_tokens_total_sum",
    "vllm:prefix_cache_queries_total",
)
#: Renamed in 2025: 0.10 publishes both, servers since 0.12 the first alone.
CACHE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
FINISHED = ("vllm:request_success_total",)
#: The engine writes its gauges as it steps. When clients cancel all requests at once it steps no more, and some servers
#: then publish the last gauges for ever (vLLM's issues 22545 and 29928, of 0.10 and 0.12).
ASKED = "http_requests_total"

ENGINE = Engine(
    "vLLM",
    running=("vllm:num_requests_running",),
    # Newer servers may tell them by reason alone.
    waiting=("vllm:num_requests_waiting", "vllm:num_requests_waiting_by_reason"),
    cache=CACHE,
    steps=STEPS,
    ends=FINISHED,
    moves=CACHE,
    finished=FINISHED,
    preempted=("vllm:num_preemptions_total",),
    adapters="vllm:lora_requests_info",
    asked=ASKED,
    fixed=True,
)
