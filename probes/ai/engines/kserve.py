"""Metrics of KServe's own runtimes, 0.10 to 0.15, at port 8080.

Source: KServe's `python/kserve/kserve/metrics.py` and its guide of Prometheus. Its Python runtimes count what they
finished and tell no running requests, so that a stall cannot be seen; its runtime for language models is vLLM.
"""

from __future__ import annotations

from probes.ai.engines import vllm
from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "KServe",
    running=("vllm:num_requests_running",),
    waiting=("vllm:num_requests_waiting",),
    cache=vllm.CACHE,
    steps=vllm.STEPS,
    ends=("request_predict_seconds_count", *vllm.FINISHED),
    moves=vllm.CACHE,
    finished=("request_predict_seconds_count", *vllm.FINISHED),
    preempted=("vllm:num_preemptions_total",),
    asked=vllm.ASKED,
    embedded=True,
    by=("model_name", "engine"),
)
