"""Change of a gateway's offers: what is told of it, and when. Pure.

Told are offers that are new or gone, and another price, quantisation or context. Uptime and speed change all the
time: they are kept, not told. A change is told once it is seen in two reads in a row, and most regions read it: pages
differ between places for a while, and a region may make one up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from probes.ai.offers.offer import OFFERS_MOST, Offer

#: Prices this close are the same: some gateways convert currencies (part of the price).
PRICE_BAND = Decimal("0.01")
#: Changes that one notice names; the rest is counted.
NAMED_MOST = 12
#: Offers that count as told of one model.
TOLD_MOST = 4 * OFFERS_MOST


class OfferChangeKind(StrEnum):
    NEW = "new"
    GONE = "gone"
    PRICE = "price"
    QUANTIZATION = "quantization"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class OfferChange:
    """One change of one offer; `before` and `after` are words for people."""

    kind: OfferChangeKind
    tag: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class OfferDecision:
    """What to tell, and the offers that count as told from now on."""

    changes: tuple[OfferChange, ...]
    told: tuple[Offer, ...]


def decide(
    told: Sequence[Offer], last: Sequence[Offer], now: Sequence[Offer], others: Iterable[Sequence[Offer]] = ()
) -> OfferDecision:
    """Compare the last two reads with what was told. Without offers told before, the first read is where it begins.

    `others` are the reads of other regions at about this time.

    An empty read is no sign that all are gone: the check says so itself, as a missing model.
    """
    if not told or not now:
        return OfferDecision((), tuple(told or now))
    before, earlier, present = ({one.tag: one for one in offers} for offers in (told, last, now))
    beside = [{one.tag: one for one in offers} for offers in others]
    changes: list[OfferChange] = []
    kept = dict(before)
    for tag in sorted({*before, *present}):
        if _is_cut(tag, present):
            continue
        if tag not in before and _is_cut(tag, before):
            kept[tag] = present[tag]
            continue
        if not _alike(earlier.get(tag), present.get(tag)):
            continue
        agree = sum(_alike(one.get(tag), present.get(tag)) for one in beside)
        if 2 * (agree + 1) <= len(beside) + 1:
            continue
        found = list(_changes(before.get(tag), present.get(tag)))
        changes += found
        if found:
            kept.pop(tag, None)
            if tag in present:
                kept[tag] = present[tag]
    return OfferDecision(tuple(changes), tuple(kept[tag] for tag in sorted(kept)[:TOLD_MOST]))


def key_of(monitor: str, changes: Sequence[OfferChange], day: str) -> str:
    """Key under which the changes of a day are told once."""
    texts = "\n".join(f"{one.kind}\t{one.tag}\t{one.before}\t{one.after}" for one in changes)
    return f"{monitor}/{day}/{hashlib.blake2b(texts.encode(), digest_size=12).hexdigest()}"


def title_of(model: str, changes: Sequence[OfferChange]) -> str:
    """Headline of a notice: what changed, by kind."""
    if len(changes) == 1:
        one = changes[0]
        if one.before and one.after:
            return f"{model}: {_WORDS[one.kind]} of {one.name}"
        return f"{model}: {one.name} {_WORDS[one.kind]}"
    return f"{model}: {len(changes)} changes of its offers"


_WORDS = {
    OfferChangeKind.NEW: "offers it now",
    OfferChangeKind.GONE: "offers it no more",
    OfferChangeKind.PRICE: "another price",
    OfferChangeKind.QUANTIZATION: "another quantisation",
    OfferChangeKind.CONTEXT: "another context length",
}


def listed(changes: Sequence[OfferChange], side: str) -> str:
    """One side of the changes, `before` or `after`, as one line."""
    named = [f"{one.name}: {getattr(one, side) or 'not offered'}" for one in changes[:NAMED_MOST]]
    more = len(changes) - NAMED_MOST
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def price_in_words(offer: Offer) -> str:
    """`$0.10 in, $0.40 out for 1M tokens`."""
    if not offer.price_in and not offer.price_out:
        return "no price"
    return f"{dollars(offer.price_in)} in, {dollars(offer.price_out)} out for 1M tokens"


def dollars(price: str) -> str:
    """A price with cents at least: `$0.10`."""
    if not price:
        return "?"
    whole, _, cents = price.partition(".")
    return f"${whole}.{cents:0<2}"


def _is_cut(tag: str, offers: Mapping[str, Offer]) -> bool:
    """Whether an offer may be behind the last that is told: a list that is full ends there."""
    return len(offers) >= OFFERS_MOST and tag > max(offers)


def _alike(one: Offer | None, other: Offer | None) -> bool:
    """Whether two reads of an offer differ in nothing that is told."""
    return next(_changes(one, other), None) is None


def _changes(before: Offer | None, now: Offer | None) -> Iterator[OfferChange]:
    if before is None and now is not None:
        yield OfferChange(OfferChangeKind.NEW, now.tag, now.name or now.tag, "", _whole(now))
    elif now is None and before is not None:
        yield OfferChange(OfferChangeKind.GONE, before.tag, before.name or before.tag, _whole(before), "")
    elif before is not None and now is not None:
        name = now.name or now.tag
        if not (_same(before.price_in, now.price_in) and _same(before.price_out, now.price_out)):
            yield OfferChange(OfferChangeKind.PRICE, now.tag, name, price_in_words(before), price_in_words(now))
        if before.quantization != now.quantization:
            yield OfferChange(OfferChangeKind.QUANTIZATION, now.tag, name, before.quantization or "not told",
                              now.quantization or "not told")  # fmt: skip
        if before.context != now.context:
            yield OfferChange(OfferChangeKind.CONTEXT, now.tag, name, _context(before), _context(now))


def _same(before: str, now: str) -> bool:
    if not before or not now:
        return before == now
    was, is_now = Decimal(before), Decimal(now)
    return abs(was - is_now) <= PRICE_BAND * max(was, is_now)


def _whole(offer: Offer) -> str:
    parts = [price_in_words(offer), offer.quantization, _context(offer) if offer.context else ""]
    return ", ".join(part for part in parts if part)


def _context(offer: Offer) -> str:
    return f"{offer.context:,} tokens of context" if offer.context else "no context length told"
