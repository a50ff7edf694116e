"""Addresses of receivers, edited as URLs: their own parameters stay, fragments go. Pure."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit


def below(address: str, *parts: str) -> str:
    """An address with path segments added; each may hold slashes, and is otherwise quoted."""
    split = urlsplit(address)
    added = "".join(f"/{quote(part.strip('/'), safe='/@:!$&()*+,;=~%')}" for part in parts if part.strip("/"))
    return urlunsplit((split.scheme, split.netloc, split.path.rstrip("/") + added, split.query, ""))


def with_query(address: str, **parameters: str) -> str:
    """An address with these parameters, in the place of its own ones of those names."""
    split = urlsplit(address)
    kept = [part for part in split.query.split("&") if part and part.partition("=")[0] not in parameters]
    query = "&".join([*kept, *([urlencode(parameters)] if parameters else [])])
    return urlunsplit((split.scheme, split.netloc, split.path, query, ""))


def without_query(address: str, name: str) -> tuple[str, str]:
    """An address without a parameter, and the value that it had."""
    split = urlsplit(address)
    value = dict(parse_qsl(split.query, keep_blank_values=True)).get(name, "")
    kept = "&".join(part for part in split.query.split("&") if part and part.partition("=")[0] != name)
    return urlunsplit((split.scheme, split.netloc, split.path, kept, "")), value
