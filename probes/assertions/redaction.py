"""Redaction: removes a check's secrets from its results, also where the target repeats them."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import replace

from probes.prober import Observation
from probes.wire import Fact

MASK = "***"
#: Shorter values are too common to be recognised, and too short to be secrets.
_SHORTEST = 4
#: A text may have been cut in the middle of a secret: this much of its beginning is still recognised at the end.
_PREFIX = 6


def spellings(secrets: Mapping[str, str]) -> tuple[str, ...]:
    """The texts that would give the secrets away, the longest first."""
    found: set[str] = set()
    for name, value in secrets.items():
        found.add(value)
        found.update(part for part in value.split() if len(part) >= 12)
        if name == "basic":
            found.add(value.partition(":")[2])
            found.add(base64.b64encode(value.encode()).decode())
    # As a target may write them into JSON, or into a link.
    found.update([json.dumps(text)[1:-1] for text in found] + [urllib.parse.quote(text, safe="") for text in found])
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST), key=len, reverse=True))


def masked(text: str, hidden: Sequence[str]) -> str:
    """The text without any of the hidden ones, and without the beginning of one at its end."""
    for secret in hidden:
        if secret in text:
            text = text.replace(secret, MASK)
        end = text.rstrip("…'\"")
        for length in range(min(len(secret) - 1, len(end)), _PREFIX - 1, -1):
            if end.endswith(secret[:length]):
                text = end[:-length] + MASK + "…"
                break
    return text


def veiled(seen: Observation, hidden: Sequence[str]) -> Observation:
    """The observation with the hidden texts masked in its detail and in every fact; outcomes mask what they quote."""
    if not hidden:
        return seen
    facts: dict[str, Fact] = {
        name: masked(fact, hidden) if isinstance(fact, str) else fact for name, fact in seen.facts.items()
    }
    return replace(seen, detail=masked(seen.detail, hidden), facts=facts)
