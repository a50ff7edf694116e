"""Content codings that a reader takes (RFC 9110, section 12.5.3). Pure."""

from __future__ import annotations

import re
from functools import lru_cache

#: No coding at all.
PLAIN = ""
_MOST = 1_000
_WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*\Z")


@lru_cache(maxsize=256)
def accepted_codings(given: str) -> tuple[str, ...]:
    """Of `br`, `gzip` and none those that an Accept-Encoding takes, what it wants most first.

    What has the weight 0 is refused, also where `*` is taken. None comes last where it has no weight of its own.
    """
    weights = {}
    for one in given[:_MOST].lower().split(","):
        name, _, parameter = one.partition(";")
        weight = _WEIGHT.match(parameter)
        weights[name.strip()] = float(weight[1]) if weight else 1.0
    others = weights.get("*", 0.0)
    packed = {name: weights.get(name, others) for name in ("br", "gzip")}
    wanted = {name: weight for name, weight in packed.items() if weight > 0} | {PLAIN: weights.get("identity", 0.0)}
    return tuple(sorted(wanted, key=lambda name: -wanted[name]))
