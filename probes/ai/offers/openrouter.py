"""OpenRouter's endpoints of a model as offers: `GET /api/v1/models/{author}/{slug}/endpoints`. Pure.

Fields as in OpenRouterTeam/typescript-sdk, publicendpoint.ts, read 2026-08-22: uptimes in percent without requests that
were rate limited; latency in ms, only for calls with a key; prices as text in USD for a token; `discount` is a part.
"""

from __future__ import annotations

from typing import Any

from probes.ai.offers.offer import Offer, percent, percentiles, price, tag, tokens, word

ENDING = "/endpoints"


def read(document: Any, model: str) -> list[Offer]:
    """The offers of an answer; the path names the model."""
    data = document.get("data") if isinstance(document, dict) else None
    rows = data.get("endpoints") if isinstance(data, dict) else None
    return [one for row in rows if (one := _offer(row)) is not None] if isinstance(rows, list) else []


def _offer(row: Any) -> Offer | None:
    if not isinstance(row, dict):
        return None
    name = tag(row.get("provider_name") or row.get("name"))
    key = tag(row.get("tag")) or name
    if not key:
        return None
    pricing: dict[str, Any] = row["pricing"] if isinstance(row.get("pricing"), dict) else {}
    off = pricing.get("discount")
    return Offer(
        key,
        name,
        word(row.get("status")),
        percent(row.get("uptime_last_5m")),
        percent(row.get("uptime_last_30m")),
        percent(row.get("uptime_last_1d")),
        percentiles(row.get("latency_last_30m"), are_ms=True),
        percentiles(row.get("throughput_last_30m")),
        price(pricing.get("prompt"), of_token=True, discount=off),
        price(pricing.get("completion"), of_token=True, discount=off),
        word(row.get("quantization")),
        tokens(row.get("context_length")),
        tokens(row.get("max_completion_tokens")),
    )
