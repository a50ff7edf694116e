"""Address of a preset's request: joins a base address, as people write it, and the path of the preset. Pure.

People paste the address of a server (`http://host:8000`), the base address of a client (`.../openai/v1`), that of a
gateway with a path, or a whole endpoint (`.../v1/chat/completions`). All become what the official client would ask.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

#: One segment that names a version of an API.
_VERSION = r"v\d+(?:(?:alpha|beta)\d*)?"
#: Endpoints at the end of a pasted address. Single words only behind a version, `openai` or `api`: a gateway may mount
#: a server at such a path.
_ENDPOINT = re.compile(
    r"/(?:chat/completions|fim/completions|audio/(?:speech|transcriptions|translations)"
    r"|images/(?:generations|edits|variations))$"
    r"|(?<=/api)/(?:chat|generate|embed|embeddings)$"
    r"|/models/[^/]+(?:/versions/[^/]+)?/(?:infer|generate|generate_stream|ready|stats|config)$",
    re.IGNORECASE,
)
_BEHIND_VERSION = re.compile(
    rf"((?:^|/)(?:{_VERSION}|openai))/(?:completions|chat|responses|embeddings|embed|messages|complete|rerank|moderations"
    r"|generate|realtime|models(?:/.+)?)$",
    re.IGNORECASE,
)
#: Pages for probes and people, as they are copied out of other monitors and browsers; nothing is mounted below them.
_PAGE = re.compile(
    r"(?<!/api)/(?:health(?:z|/(?:live\w*|readi\w*|ready))?|livez|readyz|metrics|docs|redoc|openapi\.json|index\.html?)$",
    re.IGNORECASE,
)
_DEPLOYMENT = re.compile(r"(?<=/openai)/deployments/[^/]+$", re.IGNORECASE)
#: What clients of AI APIs have at the end of their base address.
_CLIENT_BASE = re.compile(rf"/(?:openai/{_VERSION}|{_VERSION}/openai|{_VERSION})$", re.IGNORECASE)


def joined(base: str, path: str, client_base: str | None = None, *, exact: bool = False) -> str:
    """URL of the request `path` at `base`.

    Without a `client_base` the path starts at the server's root, which may be below a gateway's path. With one, such as
    `/v1` for `/v1/models`, a base with a path is a client's base address, and the rest of `path` is asked below it;
    `exact`: so is a base without a path. Parameters of `base` replace those of `path`.
    """
    parts = urlsplit(base)
    wanted, _, query = path.partition("?")
    below = "".join(f"/{part}" for part in parts.path.split("/") if part)
    root, rest = _pasted(below, wanted) or _below(_PAGE.sub("", below), wanted, client_base, exact)
    # Parameters belong to a version: a base of another version has its own.
    query = _query(query if rest.endswith(wanted) or wanted.endswith(rest) else "", parts.query)
    return f"{parts.scheme}://{parts.netloc}{root}{rest}{query}"


def _pasted(below: str, wanted: str) -> tuple[str, str] | None:
    """Root and path of an address that is the request itself."""
    is_request = wanted not in ("", "/") and below.lower().endswith(wanted.lower())
    return (below[: len(below) - len(wanted)], wanted) if is_request else None


def _below(below: str, wanted: str, client_base: str | None, exact: bool) -> tuple[str, str]:
    base = _without_endpoint(below)
    if client_base is not None and (base or exact or base != below):
        resource = wanted.removeprefix(client_base)
        return base.removesuffix(resource), resource
    return _from_root(base, wanted)


def _without_endpoint(below: str) -> str:
    below = _ENDPOINT.sub("", below)
    below = _BEHIND_VERSION.sub(r"\1", below)
    return _DEPLOYMENT.sub("", below)


def _from_root(below: str, wanted: str) -> tuple[str, str]:
    """The server's root, without the beginning of `wanted` and without the base of a client; and the path there."""
    have, want = below.split("/")[1:], wanted.split("/")[1:]
    for length in range(min(len(have), len(want)), 0, -1):
        if [part.lower() for part in have[-length:]] == [part.lower() for part in want[:length]]:
            return "".join(f"/{part}" for part in have[:-length]), wanted
    client = _CLIENT_BASE.search(below)
    if client is None:
        return below, wanted
    root, (first, *more) = below[: client.start()], client[0].split("/")[1:]
    if more and first.lower() == "openai" and want[:1] == [first.lower()]:
        # `/openai/models` at `/openai/v1`: the same resource in that version.
        return root, client[0] + wanted.removeprefix("/openai")
    return root, wanted


def _query(own: str, given: str) -> str:
    replaced = {name for name, _ in parse_qsl(given, keep_blank_values=True)}
    kept = [part for part in own.split("&") if part and part.partition("=")[0] not in replaced]
    both = [*kept, *(part for part in given.split("&") if part)]
    return "?" + "&".join(both) if both else ""
