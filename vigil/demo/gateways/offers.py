"""Recorded offers of gateways, with invented values: who serves one model, how well, and for how much."""

from __future__ import annotations

from typing import Any

from vigil.demo.exchange import as_json


def _endpoint(name: str, uptime: float, ttft_ms: int, prompt: str, completion: str) -> dict[str, Any]:
    """One provider in OpenRouter's form; its other percentiles follow from the median."""
    return {
        "provider_name": name,
        "tag": name.lower().replace(" ", "-"),
        "status": 0,
        "uptime_last_5m": uptime,
        "uptime_last_30m": uptime,
        "uptime_last_1d": 99.7,
        "latency_last_30m": {"p50": ttft_ms, "p75": ttft_ms * 1.3, "p90": ttft_ms * 2, "p99": ttft_ms * 5},
        "throughput_last_30m": {"p50": 62.0, "p75": 51.0, "p90": 40.0, "p99": 18.0},
        "pricing": {"prompt": prompt, "completion": completion, "discount": 0},
        "quantization": "unknown",
        "context_length": 200_000,
        "max_completion_tokens": 64_000,
    }


OPENROUTER = as_json(
    200,
    {
        "data": {
            "endpoints": [
                _endpoint("Anthropic", 99.9, 840, "0.000003", "0.000015"),
                _endpoint("Amazon Bedrock", 99.6, 1_120, "0.000003", "0.000015"),
                _endpoint("Google Vertex", 93.1, 760, "0.0000025", "0.0000125"),
            ],
        }
    },
)
HUGGINGFACE = [
    {"provider": "groq", "status": "live", "context_length": 131_072, "pricing": {"input": 0.05, "output": 0.08}},
    {"provider": "together", "status": "live", "context_length": 131_072, "pricing": {"input": 0.18, "output": 0.18}},
]
LITELLM = as_json(
    200,
    {
        "data": [
            {
                "model_name": "primary",
                "litellm_params": {"model": "openai/gpt-x"},
                "model_info": {
                    "id": "d-primary",
                    "input_cost_per_token": 2.5e-06,
                    "output_cost_per_token": 1e-05,
                    "max_input_tokens": 128_000,
                },
            }
        ]
    },
)
