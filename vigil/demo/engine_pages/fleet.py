"""Fake vLLM server of eight engines with data parallelism, of which one hangs with requests in its hands."""

from __future__ import annotations

import time

from vigil.demo.exchange import ServedAnswer, ServedRequest, as_text

ENGINES, HANGING = 8, 3
_TOKENS_S = 40


def fleet_page(at_s: float, hanging: int | None = HANGING) -> str:
    """The page of metrics at a time (s); all counters move but those of the engine that hangs."""
    lines = []
    for engine in range(ENGINES):
        labels = f'{{engine="{engine}",model_name="qwen-demo"}}'
        tokens = 9_000 if engine == hanging else int(at_s * _TOKENS_S) + engine
        running, waiting = (4, 2) if engine == hanging else (1 + (engine + int(at_s / 20)) % 5, 0)
        lines += [
            f"vllm:num_requests_running{labels} {running}.0",
            f"vllm:num_requests_waiting{labels} {waiting}.0",
            f"vllm:kv_cache_usage_perc{labels} {0.1 * running:.2f}",
            f"vllm:generation_tokens_total{labels} {tokens}.0",
            f"vllm:iteration_tokens_total_count{labels} {tokens}.0",
            f"vllm:num_preemptions_total{labels} {tokens // 4_000}.0",
            f"vllm:request_success_total{labels} {tokens // 200}.0",
        ]
    return "\n".join(lines) + "\n"


def answer(request: ServedRequest, path: str) -> ServedAnswer | None:
    """The page as of now; None for any other path."""
    return as_text(200, fleet_page(time.time())) if (request.method, path) == ("GET", "/metrics") else None
