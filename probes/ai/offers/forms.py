"""Forms in which gateways tell offers: for each family of presets, the end of the path and the reader. Pure.

A form is one file and one line here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from probes.ai.offers import huggingface, litellm, openrouter
from probes.ai.offers.offer import Offer, facts_of
from probes.wire import Fact

#: Bodies whose offers are remembered: several monitors and looks read the same one.
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class OfferForm:
    """`ending` of the path under which a gateway tells offers, and the reader of the answer for one model."""

    ending: str
    read: Callable[[Any, str], list[Offer]]


FORMS: Mapping[str, OfferForm] = {
    "openrouter": OfferForm(openrouter.ENDING, openrouter.read),
    "huggingface": OfferForm(huggingface.ENDING, huggingface.read),
    "litellm": OfferForm(litellm.ENDING, litellm.read),
}
_found: OrderedDict[tuple[str, str, bytes], dict[str, Fact]] = OrderedDict()


@lru_cache(maxsize=4096)
def tells_offers(provider: str, url: str) -> bool:
    """Whether an answer of this provider at this address tells offers."""
    form = FORMS.get(provider)
    try:
        return form is not None and urlsplit(url).path.rstrip("/").endswith(form.ending)
    except ValueError:
        return False


def offer_facts(provider: str, model: str, body: bytes) -> dict[str, Fact]:
    """Facts of the offers in an answer; a body that was read before is not parsed again."""
    key = (provider, model, hashlib.blake2b(body, digest_size=16).digest())
    found = _found.get(key)
    if found is None:
        found = _found[key] = facts_of(_read(provider, model, body))
        while len(_found) > _REMEMBERED:
            _found.popitem(last=False)
    return found


def _read(provider: str, model: str, body: bytes) -> list[Offer]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return []
    return FORMS[provider].read(document, model)
