"""Metrics of Triton Inference Server, 2.17 to 2.60, at port 8002.

Source: Triton's `docs/user_guide/metrics.md`. Servers before 2.38 tell no pending requests. It has no gauge of running
ones: a model has work while requests are pending. All its counters move at the end of a request.
"""

from __future__ import annotations

from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "Triton",
    running=(),
    waiting=("nv_inference_pending_request_count",),
    ends=(
        "nv_inference_exec_count",
        "nv_inference_count",
        "nv_inference_request_success",
        "nv_inference_request_failure",
    ),
    finished=("nv_inference_request_success",),
    by=("model", "version"),
)
