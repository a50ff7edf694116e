"""Metric names of model servers: vLLM, SGLang and others, one entry for each server. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Engine:
    """The names under which a server publishes what it does; the first name that is there counts for each.

    All of `progress` count: whichever of them moves, the engine is alive. Many engines count the tokens of a request
    only at its end, which may be minutes away, so what moves with every step belongs here too. `json` reads an object
    instead of metrics.
    """

    title: str
    running: tuple[str, ...]
    waiting: tuple[str, ...]
    cache: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()
    json: bool = False


#: Labels that tell the engines of one server apart, and the ranks of one engine: each steps by itself.
RANK_LABELS = ("engine", "engine_id", "engine_index", "dp_rank", "rank", "worker_id")


ENGINES: Mapping[str, Engine] = {
    "vllm": Engine(
        "vLLM",
        ("vllm:num_requests_running",),
        ("vllm:num_requests_waiting",),
        # Renamed in 2025; older servers publish the second.
        ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        (
            "vllm:generation_tokens_total",
            "vllm:prompt_tokens_total",
            # Counted at every step: a long prefill takes minutes and makes no token.
            "vllm:iteration_tokens_total_count",
            "vllm:iteration_tokens_total_sum",
            "vllm:prefix_cache_queries_total",
            "vllm:request_success_total",
        ),
    ),
    "sglang": Engine(
        "SGLang",
        ("sglang:num_running_reqs",),
        ("sglang:num_queue_reqs",),
        ("sglang:token_usage",),
        (
            "sglang:realtime_tokens_total",
            "sglang:inter_token_latency_seconds_count",
            "sglang:time_per_output_token_seconds_count",
            "sglang:time_to_first_token_seconds_count",
            "sglang:num_used_tokens",
            "sglang:gen_throughput",
            # These two are counted at the end of a request only.
            "sglang:generation_tokens_total",
            "sglang:prompt_tokens_total",
        ),
    ),
    "tgi": Engine(
        "Text Generation Inference",
        ("tgi_batch_current_size",),
        ("tgi_queue_size",),
        # The tokens of a request are only counted at its end, so the steps of the batch count as well.
        progress=("tgi_batch_inference_success", "tgi_batch_inference_count", "tgi_request_generated_tokens_sum"),
    ),
    "llamacpp": Engine(
        "llama.cpp",
        ("llamacpp:requests_processing",),
        ("llamacpp:requests_deferred",),
        ("llamacpp:kv_cache_usage_ratio",),
        (
            "llamacpp:n_decode_total",
            # Of servers before the end of 2024, which do not publish the first.
            "llamacpp:kv_cache_tokens",
            # Counted at the end of a request only.
            "llamacpp:tokens_predicted_total",
            "llamacpp:prompt_tokens_total",
        ),
    ),
    "litellm": Engine("LiteLLM", ("in_flight_requests",), ("queued_requests",), json=True),
}
