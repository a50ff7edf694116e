"""Metrics of Ray Serve, 2.9 to 2.52, and of the vLLM engines in its replicas.

Source: Ray's `doc/source/serve/monitoring.md` and its tests of metrics; Ray writes no colon and puts `ray_` before all.
Replicas come and go as Ray scales them, so none is missed.
"""

from __future__ import annotations

from probes.ai.engines import vllm
from probes.ai.engines.shape import Engine

ENGINE = Engine(
    "Ray Serve",
    running=(
        "vllm:num_requests_running",
        "ray_serve_num_ongoing_requests_at_replicas",
        "ray_serve_replica_processing_queries",
    ),
    waiting=("vllm:num_requests_waiting", "ray_serve_deployment_queued_queries"),
    cache=vllm.CACHE,
    steps=vllm.STEPS,
    ends=(
        *vllm.FINISHED,
        "ray_serve_deployment_processing_latency_ms_count",
        "ray_serve_deployment_request_counter_total",
    ),
    moves=vllm.CACHE,
    finished=vllm.FINISHED,
    preempted=("vllm:num_preemptions_total",),
    # What its proxy counts is of all applications, and may be of another node: nothing proves that gauges are of now.
    embedded=True,
    by=("deployment", "model_name", "ReplicaId", "replica", "WorkerId", "engine"),
)
