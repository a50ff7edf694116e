"""Names of models as servers list them and people write them: when two name the same one. Pure.

A server answers to more names than it lists: other capitals, an owner in front, an implied tag, a version left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Behind the name of a model: the date or number of one of its versions.
_VERSION = re.compile(r"-(?:latest|20[0-9]{2}-?[0-9]{2}-?[0-9]{2}|[0-9]{4}|[0-9]{3}|v[0-9]+)\Z")
_FILE = re.compile(r"\.(?:gguf|llamafile|bin|safetensors)\Z")
_SPLIT = re.compile(r"-[0-9]{5}-of-[0-9]{5}\Z")


def is_listed(model: str, names: Iterable[object]) -> bool:
    """Whether one of the listed names is that of the model."""
    wanted = _plain(model)
    return any(isinstance(name, str) and _are_same(wanted, _plain(name)) for name in names)


def _are_same(one: str, other: str) -> bool:
    if one == other or _without_version(one) == other or one == _without_version(other):
        return True
    for latest, dated in ((one, other), (other, one)):
        if latest.endswith("-latest") and latest.removesuffix("-latest") == _without_version(dated):
            return True
    owned, bare = (one, other) if "/" in one else (other, one)
    if "/" in bare or "/" not in owned:
        # Both with an owner: two owners' models are two models.
        return False
    return _are_same(owned.rpartition("/")[2], bare)


def _plain(name: str) -> str:
    """The name without what changes nothing: capitals, `models/`, the implied tag, the ending of a file."""
    plain = name.strip().casefold().removeprefix("models/").removesuffix(":latest")
    return _SPLIT.sub("", _FILE.sub("", plain)) if _FILE.search(plain) else plain


def _without_version(name: str) -> str:
    return _VERSION.sub("", name)
