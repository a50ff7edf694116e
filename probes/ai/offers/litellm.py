"""Deployments of a model group of a LiteLLM proxy as offers: `GET /model/info`. Pure.

Fields: `model_name` is the group, `litellm_params.model` names provider and model, `model_info` has `id`, and costs and
limits out of LiteLLM's own map: `input_cost_per_token` in USD, `max_input_tokens`. It tells no uptime and no latency.
"""

from __future__ import annotations

from typing import Any

from probes.ai.offers.offer import Offer, price, tag, tokens

ENDING = "/model/info"


def read(document: Any, model: str) -> list[Offer]:
    """The deployments of this group."""
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return []
    mine = [row for row in rows if isinstance(row, dict) and row.get("model_name") == model]
    return [one for row in mine if (one := _offer(row)) is not None]


def _offer(row: dict[str, Any]) -> Offer | None:
    params = row["litellm_params"] if isinstance(row.get("litellm_params"), dict) else {}
    info = row["model_info"] if isinstance(row.get("model_info"), dict) else {}
    name = tag(params.get("model"))
    key = tag(info.get("id")) or name
    if not key:
        return None
    return Offer(
        key,
        name or key,
        price_in=price(info.get("input_cost_per_token"), of_token=True),
        price_out=price(info.get("output_cost_per_token"), of_token=True),
        context=tokens(info.get("max_input_tokens") or info.get("max_tokens")),
        max_output=tokens(info.get("max_output_tokens")),
    )
