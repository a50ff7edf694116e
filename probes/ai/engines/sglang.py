"""Metrics of SGLang, 0.4 to 0.5.

Source: SGLang's `python/sglang/srt/metrics/collector.py` (2026) and `docs/references/production_metrics.md` (2025).
Its scheduler writes gauges and counters of each rank, its tokenizer those of the whole server at the end of a request.
"""

from __future__ import annotations

from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "SGLang",
    running=("sglang:num_running_reqs",),
    waiting=("sglang:num_queue_reqs",),
    cache=("sglang:token_usage",),
    steps=(
        "sglang:realtime_tokens_total",
        # Of 2026: a scheduler that waits for work is alive, while its gauges are those of up to 30 s ago.
        "sglang:scheduler_idle_seconds_total",
        "sglang:cuda_graph_passes_total",
        "sglang:gpu_execution_seconds_total",
        "sglang:inter_token_latency_seconds_count",
    ),
    # Servers that tell no step but these, of before spring 2025, keep the gauges of their last step for as long as they
    # have nothing to do (SGLang's issue 4244); later ones write them every 30 s.
    ends=(
        "sglang:time_per_output_token_seconds_count",
        "sglang:time_to_first_token_seconds_count",
        "sglang:generation_tokens_total",
        "sglang:prompt_tokens_total",
        "sglang:num_requests_total",
    ),
    moves=("sglang:num_used_tokens", "sglang:gen_throughput"),
    finished=("sglang:num_requests_total",),
    started=("sglang:queue_time_seconds_count",),
    preempted=("sglang:num_retracted_requests_total",),
    slots_used=("sglang:lora_pool_slots_used",),
    slots=("sglang:lora_pool_slots_total",),
    by=("dp_rank",),
    repeat=("tp_rank", "pp_rank", "moe_ep_rank", "pid"),
    total="priority",
    fixed=True,
    keeps_gauges=True,
)
