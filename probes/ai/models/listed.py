"""Listed models: what a provider's list of models tells of each, as a worker tells it and the control plane admits it.

Pure. A worker reads the list that a check has fetched anyway, so it costs no request and no token. A region writes it
itself: types and sizes are part of the decoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from probes.message_decoder import Count, Instant, MessageDecoder, Name, Revision
from probes.text import storable

LIST_VERSION = 1
#: Models of one list that are told; the largest known catalogue has some 600.
MODELS_MOST = 3_000
MODEL_ID_LIMIT = 160
#: One list as it is told; 600 models take about 40 kB.
LIST_BYTES_MOST = 512 * 1024
#: How long a list that was told counts (s): a worker tells it again each hour.
LIST_LIFE_S = 3 * 3600

_Short = Annotated[str, Meta(max_length=MODEL_ID_LIMIT)]
_DAY = re.compile(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}\Z")
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?\Z")


class ListedModel(msgspec.Struct, frozen=True, array_like=True):
    """One row. What a list does not tell is empty, or 0.

    `context` is in tokens; prices are decimal USD for a million tokens; `retires` is a day in UTC, `YYYY-MM-DD`;
    `stage` is the provider's own word (`legacy`, `deprecated`, `preview`); `target` is the model that an alias means,
    `replacement` the one that follows.
    """

    id: _Short
    context: Count = 0
    price_in: Annotated[str, Meta(max_length=40)] = ""
    price_out: Annotated[str, Meta(max_length=40)] = ""
    retires: Annotated[str, Meta(max_length=10)] = ""
    stage: Annotated[str, Meta(max_length=40)] = ""
    target: _Short = ""
    replacement: _Short = ""


class ModelList(msgspec.Struct, frozen=True, array_like=True):
    """The list that one monitor's check read, sorted by id. `total` counts rows that are not told as well.

    `revision` is that of the monitor, so that a list of another key or address is not taken for a change.
    """

    v: Count
    monitor: Name
    revision: Revision
    provider: Annotated[str, Meta(max_length=40)]
    at_ms: Instant
    models: Annotated[list[ListedModel], Meta(max_length=MODELS_MOST)]
    total: Count = 0

    @property
    def is_whole(self) -> bool:
        """Whether every row is told: of a list that is cut, nothing is gone."""
        return self.total <= len(self.models)


encode: msgspec.msgpack.Encoder = msgspec.msgpack.Encoder()
_decode: MessageDecoder[ModelList] = MessageDecoder(ModelList, LIST_BYTES_MOST)


def admit_list(payload: bytes) -> ModelList:
    """Admit a list that a region wrote; raises `msgspec.DecodeError`. Rows that cannot be shown are left out."""
    found = _decode(payload)
    if not found.monitor.isprintable():
        raise msgspec.DecodeError("the monitor's id cannot be stored")
    models = fit(found.models)
    return msgspec.structs.replace(found, provider=storable(found.provider, 40), models=models)


def fit(models: Iterable[ListedModel]) -> list[ListedModel]:
    """The rows that are fit to be stored and shown: named, once each, sorted; a value of another form is left out."""
    by_id = {clean.id: clean for clean in map(_fit, models) if clean.id}
    return [by_id[name] for name in sorted(by_id)][:MODELS_MOST]


def is_day(text: str) -> bool:
    """Whether a text is a day of these two centuries, `YYYY-MM-DD`."""
    try:
        return bool(_DAY.match(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _fit(row: ListedModel) -> ListedModel:
    id, context, price_in, price_out, retires, stage, target, replacement = astuple(row)
    return ListedModel(
        _line(id),
        context,
        price_in if _PRICE.match(price_in) else "",
        price_out if _PRICE.match(price_out) else "",
        retires if is_day(retires) else "",
        _line(stage)[:40],
        _line(target),
        _line(replacement),
    )


def _line(text: str) -> str:
    return storable(text.strip(), MODEL_ID_LIMIT)
