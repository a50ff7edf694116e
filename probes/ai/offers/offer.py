"""Offer: what one provider behind a gateway offers for a model, as a worker tells it in the facts of a result. Pure.

A region writes it itself: types and sizes are part of the decoder, and what does not fit is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from probes.text import storable
from probes.wire import Fact

#: Offers of one model that are told; with the other facts they fit into a result.
OFFERS_MOST = 24
_PREFIX = "offer_"
_TAG_LIMIT, _WORD_LIMIT, _PRICE_LIMIT = 80, 20, 24
_TOKENS_MOST = 10**9
#: Faster than any answer over a network: the number is in seconds (ms).
_LEAST_MS = 20.0
_MILLION = Decimal(1_000_000)

_Percent = Annotated[float, Meta(ge=0, le=100)]
_Measure = Annotated[float, Meta(ge=0, le=1e7)]
#: p50, p75, p90 and p99; empty where the gateway tells none.
_Percentiles = Annotated[list[_Measure], Meta(max_length=4)]
_Tokens = Annotated[int, Meta(ge=0, le=_TOKENS_MOST)]
_Price = Annotated[str, Meta(max_length=_PRICE_LIMIT, pattern=r"^(?:[0-9]+(?:\.[0-9]+)?)?\Z")]
_Word = Annotated[str, Meta(max_length=_WORD_LIMIT)]


class Offer(msgspec.Struct, frozen=True, array_like=True):
    """One provider's offer. `tag` is its route key at the gateway, unique among the offers of a model.

    Uptimes are percent of answered requests, latency is time to first token in ms, throughput is output tokens a
    second (its percentiles fall). Prices are decimal USD for a million tokens. What is not told is None, "" or 0.
    """

    tag: Annotated[str, Meta(min_length=1, max_length=_TAG_LIMIT)]
    name: Annotated[str, Meta(max_length=_TAG_LIMIT)] = ""
    status: _Word = ""
    uptime_5m: _Percent | None = None
    uptime_30m: _Percent | None = None
    uptime_1d: _Percent | None = None
    latency_ms: _Percentiles = []
    throughput: _Percentiles = []
    price_in: _Price = ""
    price_out: _Price = ""
    quantization: _Word = ""
    context: _Tokens = 0
    max_output: _Tokens = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Offer)


def facts_of(offers: Iterable[Offer]) -> dict[str, Fact]:
    """The offers as facts, the first ones where there are too many; equal tags are told once."""
    by_tag = {one.tag: one for one in reversed(list(offers))}
    kept = sorted(by_tag.values(), key=lambda one: one.tag)[:OFFERS_MOST]
    return {f"{_PREFIX}{place:02}": _encoder.encode(one).decode() for place, one in enumerate(kept, start=1)}


def is_offer(name: str) -> bool:
    """Whether a fact of this name is an offer."""
    return name.startswith(_PREFIX)


def offers_of(facts: Mapping[str, object]) -> list[Offer]:
    """The offers among the facts of a result, by tag. What a region wrote in another form is left out."""
    found: dict[str, Offer] = {}
    for name, fact in facts.items():
        one = _admitted(fact) if is_offer(name) and isinstance(fact, str) else None
        if one is not None and len(found) < OFFERS_MOST:
            found[one.tag] = one
    return [found[tag] for tag in sorted(found)]


def _admitted(text: str) -> Offer | None:
    try:
        one = _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    words = (one.tag, one.name, one.status, one.quantization)
    return one if all(word.isprintable() for word in words) else None


def word(value: object, limit: int = _WORD_LIMIT) -> str:
    """A short text of a gateway; numbers as their digits, "" for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return storable(str(value), limit).strip()


def tag(value: object) -> str:
    return word(value, _TAG_LIMIT)


def percent(value: object) -> float | None:
    """A percentage from 0 to 100; None for what is none."""
    known = _number(value)
    return round(known, 3) if known is not None and 0 <= known <= 100 else None


def percentiles(value: object, *, are_ms: bool = False) -> list[float]:
    """`{p50, p75, p90, p99}` in order; empty where one is missing. `are_ms`: seconds become ms."""
    if not isinstance(value, Mapping):
        return []
    found = [_number(value.get(name)) for name in ("p50", "p75", "p90", "p99")]
    known = [one for one in found if one is not None and 0 <= one <= 1e6]
    if len(known) != len(found):
        return []
    scale = 1000.0 if are_ms and 0 < known[0] < _LEAST_MS else 1.0
    return [round(one * scale, 3) for one in known]


def tokens(value: object) -> int:
    """A number of tokens; 0 for none."""
    known = _number(value)
    return int(known) if known is not None and 0 <= known <= _TOKENS_MOST else 0


def price(value: object, *, of_token: bool, discount: object = None) -> str:
    """A price in decimal USD for a million tokens; "" where it is none, or negative (a router without a price)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        amount = Decimal(str(value)[:_PRICE_LIMIT]) * (_MILLION if of_token else 1)
        off = Decimal(str(_number(discount) or 0))
    except ArithmeticError:
        return ""
    if not amount.is_finite() or not 0 <= amount < _MILLION:
        return ""
    if 0 < off < 1:
        amount *= 1 - off
    text = f"{amount.quantize(Decimal('0.000001')):f}".rstrip("0").rstrip(".")
    return text or "0"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None
