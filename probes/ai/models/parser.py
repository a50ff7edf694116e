"""Parser of models lists: the rows of each provider's answer in one form. Pure.

Fields as the providers document them, read 2026-11-29: `shutdown_date` of OpenAI (a day), `deprecation` of Mistral (RFC
3339) and of Azure OpenAI (Unix seconds), `expiration_date` of OpenRouter (a day), `modelLifecycle.endOfLifeTime` of
Bedrock, `is_deprecated` of Cohere. Prices: OpenRouter in USD for a token, xAI in US cents for 100 million tokens.
A retired date is absent more often than null, so an absent one says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from probes.ai.models.listed import MODELS_MOST, ListedModel, fit

#: Last parts of the paths under which providers list models.
_PATHS = ("/models", "/language-models", "/foundation-models", "/api/tags")
#: Where the rows are, first that is a list; Together answers with the bare list.
_ROWS = ("data", "models", "modelSummaries")
_NAMES = ("id", "modelId", "name", "model")
_CONTEXTS = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
    "inputTokenLimit",
    "max_model_len",
)
_DATES = ("shutdown_date", "expiration_date", "deprecation_date", "retirement_date", "retirementTime")
_STAGES = ("lifecycle_status", "stage", "modelStage")
#: Where an answer says where its next page is: Gemini, Cohere, Bedrock.
_NEXT = ("nextPageToken", "next_page_token", "nextToken")
#: Behind the name of a snapshot: its date, of four digits at Mistral.
_DATED = re.compile(r"-[0-9]{4}(-?[0-9]{2}-?[0-9]{2})?\Z")
_MILLION = Decimal(1_000_000)
_CONTEXT_MOST = 2**31 - 1


@lru_cache(maxsize=4096)
def is_models_list(url: str) -> bool:
    """Whether an address asks for a list of models."""
    try:
        return urlsplit(url).path.rstrip("/").endswith(_PATHS)
    except ValueError:
        return False


def parse_models(provider: str, body: bytes) -> tuple[list[ListedModel], int] | None:
    """The rows of an answer, sorted by id, and how many there are; None where it holds no list of models."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    rows = _rows(document)
    if rows is None:
        return None
    found: dict[str, ListedModel] = {}
    aliases: dict[str, ListedModel] = {}
    for row in rows:
        if not isinstance(row, Mapping) or (listed := _listed(provider, row)) is None:
            continue
        found.setdefault(listed.id, listed)
        for alias in _aliases(row, listed):
            aliases.setdefault(alias.id, alias)
    # A row of its own says more of a model than another's alias, whichever comes first.
    found = aliases | found
    names = sorted(found)
    return fit(found[name] for name in names[:MODELS_MOST]), len(names) + _is_page(document)


def day_of(value: object) -> str:
    """A date of a provider as a day in UTC: from `2027-01-14`, RFC 3339 or Unix seconds; empty for anything else."""
    try:
        if isinstance(value, bool):
            return ""
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC).date().isoformat() if value > 0 else ""
        if not isinstance(value, str) or len(value) > 40:
            return ""
        if len(value) == 10:
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def price_of(value: object, scale: Decimal) -> str:
    """A price as decimal USD for a million tokens, without exponent; empty for what is no price."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        price = Decimal(str(value)[:40]) * scale
    except ArithmeticError:
        return ""
    if not price.is_finite() or price < 0 or price >= Decimal(10) ** 12:
        # OpenRouter gives -1 where the price is not fixed.
        return ""
    text = f"{price.quantize(Decimal('0.000000000001')):f}"
    return text.rstrip("0").rstrip(".") or "0"


def _rows(document: object) -> list[object] | None:
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping):
        return None
    return next((found for name in _ROWS if isinstance(found := document.get(name), list)), None)


def _is_page(document: object) -> bool:
    """Whether an answer says that there are more rows than it has."""
    if not isinstance(document, Mapping):
        return False
    return document.get("has_more") is True or any(document.get(key) for key in _NEXT)


def _listed(provider: str, row: Mapping[str, Any]) -> ListedModel | None:
    """A row; None for one without a name."""
    name = next((text for key in _NAMES if (text := _text(row.get(key)))), "").removeprefix("models/")
    if not name:
        return None
    price_in, price_out = _prices(provider, row)
    target = _text(row.get("alias_target") or row.get("canonical_slug")) or _snapshot(name, row)
    is_alias = bool(target) and target in _names_beside(row)
    return ListedModel(
        name,
        next((_count(row[key]) for key in _CONTEXTS if key in row), 0),
        price_in,
        price_out,
        "" if is_alias else _retires(row),
        _stage(row),
        "" if target == name else target,
        "" if is_alias else _text(row.get("deprecation_replacement_model")),
    )


def _names_beside(row: Mapping[str, Any]) -> list[str]:
    """Other names of a row's model."""
    aliases = row.get("aliases")
    return [text for one in (aliases[:20] if isinstance(aliases, list) else ()) if (text := _text(one))]


def _snapshot(name: str, row: Mapping[str, Any]) -> str:
    """The snapshot that a name without a date means: Mistral lists each name of a model, with the others beside it."""
    if _DATED.search(name):
        return ""
    return max((one for one in _names_beside(row) if _DATED.search(one)), default="")


def _aliases(row: Mapping[str, Any], listed: ListedModel) -> Iterator[ListedModel]:
    """A row of its own for each alias that a row names."""
    means = listed.target or listed.id
    for text in _names_beside(row):
        if text == means:
            yield msgspec.structs.replace(listed, id=text, target="", retires=_retires(row))
        elif text != listed.id:
            # What an alias means may retire: it then means another, so it has no day of its own.
            yield msgspec.structs.replace(listed, id=text, target=means, retires="", replacement="")


def _retires(row: Mapping[str, Any]) -> str:
    for key in _DATES:
        if found := day_of(row.get(key)):
            return found
    deprecation, lifecycle = row.get("deprecation"), row.get("modelLifecycle")
    if isinstance(deprecation, Mapping):
        return day_of(deprecation.get("inference"))
    if isinstance(lifecycle, Mapping):
        return day_of(lifecycle.get("endOfLifeTime"))
    return day_of(deprecation)


def _stage(row: Mapping[str, Any]) -> str:
    lifecycle = row.get("modelLifecycle")
    if isinstance(lifecycle, Mapping):
        return _text(lifecycle.get("status")).lower()
    if row.get("is_deprecated") is True:
        return "deprecated"
    return next((text.lower() for key in _STAGES if (text := _text(row.get(key)))), "")


def _prices(provider: str, row: Mapping[str, Any]) -> tuple[str, str]:
    pricing = row.get("pricing")
    if isinstance(pricing, Mapping) and provider == "openrouter":
        return price_of(pricing.get("prompt"), _MILLION), price_of(pricing.get("completion"), _MILLION)
    if isinstance(pricing, Mapping) and provider == "together":
        # Together gives USD for a million tokens.
        return price_of(pricing.get("input"), Decimal(1)), price_of(pricing.get("output"), Decimal(1))
    if provider == "xai" and "prompt_text_token_price" in row:
        cents = Decimal(1) / Decimal(10_000)
        price_in = price_of(row["prompt_text_token_price"], cents)
        return price_in, price_of(row.get("completion_text_token_price"), cents)
    return "", ""


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) and len(value) <= 160 else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _CONTEXT_MOST else 0
