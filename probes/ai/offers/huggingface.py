"""Providers of a model in the list of Hugging Face's router as offers: `GET /v1/models`, `data[].providers[]`. Pure.

Fields: `provider`, `status` (live, staging, error), `context_length`, `pricing` {input, output} in USD for a million
tokens. It tells no uptime and no latency.
"""

from __future__ import annotations

from typing import Any

from probes.ai.offers.offer import Offer, price, tag, tokens, word

ENDING = "/v1/models"


def read(document: Any, model: str) -> list[Offer]:
    """The offers of this model; none where it is not listed."""
    rows = document.get("data") if isinstance(document, dict) else None
    found = next((row for row in rows if isinstance(row, dict) and row.get("id") == model), None) if isinstance(
        rows, list
    ) else None  # fmt: skip
    providers = found.get("providers") if found else None
    return [one for row in providers if (one := _offer(row)) is not None] if isinstance(providers, list) else []


def _offer(row: Any) -> Offer | None:
    key = tag(row.get("provider")) if isinstance(row, dict) else ""
    if not key:
        return None
    pricing: dict[str, Any] = row["pricing"] if isinstance(row.get("pricing"), dict) else {}
    return Offer(
        key,
        key,
        word(row.get("status")),
        price_in=price(pricing.get("input"), of_token=False),
        price_out=price(pricing.get("output"), of_token=False),
        context=tokens(row.get("context_length")),
    )
