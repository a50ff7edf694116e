"""Metrics of Text Generation Inference, 1 to 3 (in maintenance since 2026).

Source: text-generation-inference's `router/src/server.rs` and `docs/source/reference/metrics.md`.
"""

from __future__ import annotations

from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "Text Generation Inference",
    running=("tgi_batch_current_size",),
    waiting=("tgi_queue_size",),
    # The tokens of a request are only counted at its end, so the steps of the batch count.
    steps=("tgi_batch_inference_success", "tgi_batch_inference_count", "tgi_batch_inference_duration_count"),
    ends=("tgi_request_generated_tokens_sum", "tgi_request_success"),
    finished=("tgi_request_success",),
    started=("tgi_request_queue_duration_count",),
    by=(),
)
