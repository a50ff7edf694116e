"""Models that a monitor's configuration names: in its address, or in what it expects of a list of models. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from probes.reasons import Reason

#: Models of one monitor, and the longest name of one.
MODELS_MOST, NAME_MOST = 50, 200
#: Where presets put a model into the path; OpenRouter's has its slash there.
_IN_PATH = re.compile(
    r"/(?:api/)?v\d(?:beta)?/models/(?P<model>[^?#]+?)(?:/endpoints|/ready|:(?:stream)?[gG]enerateContent)?/?\Z"
    r"|/foundation-model-availability/(?P<bedrock>[^/?#]+)\Z|/api/models/(?P<hub>[^?#]+)\Z"
)
_IN_LIST = ("contains", "equals", "any_equals")


def named_models(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of models, in order, without duplicates; none for a monitor of something else."""
    found = dict.fromkeys(name for name in _names(config) if name and name.isprintable() and len(name) <= NAME_MOST)
    return tuple(found)[:MODELS_MOST]


def _names(config: Mapping[str, Any]) -> Iterator[str]:
    model = config.get("model")
    if isinstance(model, str):
        yield model
    try:
        path = urlsplit(str(config.get("url") or "")).path
    except ValueError:
        path = ""
    in_path = _IN_PATH.search(path)
    if in_path:
        # Its assertions are on the answer about this one model.
        yield unquote(next(name for name in in_path.groups() if name))
        return
    assertions = config.get("assertions")
    for one in assertions if isinstance(assertions, list) else ():
        if isinstance(one, Mapping) and one.get("reason") == Reason.MODEL_MISSING:
            for name in _IN_LIST:
                if isinstance(one.get(name), str):
                    # Gemini's list writes models/gemini-..., its users do not.
                    yield str(one[name]).removeprefix("models/")
