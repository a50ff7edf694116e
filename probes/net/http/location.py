"""Redirect targets: a `Location` header as the WHATWG URL standard reads it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from probes.net.targets import BadTarget, Target, parse_host

#: Longest URL followed (characters): single sign-on puts whole documents into one.
LOCATION_LIMIT = 16_384
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AROUND = "".join(map(chr, range(33)))
_DROPPED = str.maketrans("", "", "\t\n\r")
_PATH_KEPT = "!$%&'()*+,-./:;=@[]_~|"
_QUERY_KEPT = "!$%&()*+,-./:;=@[]_~|?{}^`\\"
_PORT = re.compile(r"[0-9]{0,10}\Z")
_ESCAPED_DOT = re.compile(r"%2e", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a redirect leads. `login` ("user:password") is what the server put into the URL; never shown."""

    target: Target
    login: str = field(default="", repr=False)


def location_of(headers: tuple[tuple[str, str], ...]) -> str | None:
    """The `Location` of an answer; None without one, and for an empty one, which is no redirect."""
    for name, value in headers:
        if name == "location" and value.strip(_AROUND):
            return value
    return None


def follow(base: Target, location: str) -> Redirect:
    """Where a redirect from `base` leads; `location` has one character per byte. Raises BadTarget with the reason."""
    raw = location.encode("latin-1", "replace")
    try:
        text, charset = raw.decode(), "utf-8"
    except UnicodeDecodeError:
        text, charset = location, "latin-1"
    text = text.strip(_AROUND).translate(_DROPPED).partition("#")[0]
    if len(text) > LOCATION_LIMIT:
        raise BadTarget(f"a URL of more than {LOCATION_LIMIT} characters")
    before, mark, query = text.partition("?")
    before = before.replace("\\", "/")
    scheme, rest = _scheme(before, base)
    if rest is not None:
        authority, slash, path = rest.partition("/")
        login, host, port = _authority(authority)
        target = _target(scheme, host, port, slash + path, charset)
    else:
        path = before.partition(":")[2] if scheme else before
        if not path and not mark:
            return Redirect(base)
        login, target = "", _same(base, _merged(base, path, charset) if path else base.path.partition("?")[0])
    if mark:
        target = _same(target, f"{target.path}?{quote(query, safe=_QUERY_KEPT, encoding=charset, errors='replace')}")
    return Redirect(target, login)


def _scheme(before: str, base: Target) -> tuple[str, str | None]:
    """The scheme that is written ("" without one), and what follows its slashes; None for a relative URL."""
    found = _SCHEME.match(before)
    if found is None:
        return (base.scheme, before.lstrip("/")) if before.startswith("//") else ("", None)
    scheme = found[1].lower()
    if scheme not in _DEFAULT_PORTS:
        raise BadTarget(f"{scheme[:20]}: is not HTTP")
    rest = before[found.end() :]
    if scheme == base.scheme and not rest.startswith("//"):
        # `http:other` is relative to a page of the same scheme, as browsers read it.
        return scheme, None
    return scheme, rest.lstrip("/")


def _authority(authority: str) -> tuple[str, str, str]:
    login, _, place = authority.rpartition("@")
    if login:
        user, _, password = login.partition(":")
        login = f"{unquote(user)}:{unquote(password)}"
    host, bracket, port = place.rpartition("]")
    if bracket:
        return login, host.removeprefix("["), port.removeprefix(":")
    host, _, port = place.partition(":")
    return login, unquote(host), port


def _target(scheme: str, host: str, port: str, path: str, charset: str) -> Target:
    if not host:
        raise BadTarget("a URL without a host")
    if not _PORT.match(port) or int(port or "1") not in range(1, 65_536):
        raise BadTarget("a port that cannot be dialled")
    plain, literal = parse_host(host.removesuffix("."))
    return Target(
        scheme == "https", plain, int(port or _DEFAULT_PORTS[scheme]), _quoted(_resolved(path or "/"), charset), literal
    )


def _merged(base: Target, path: str, charset: str) -> str:
    if not path.startswith("/"):
        path = base.path.partition("?")[0].rpartition("/")[0] + "/" + _quoted(path, charset)
        return _resolved(path)
    return _quoted(_resolved(path), charset)


def _resolved(path: str) -> str:
    """A path without its dot segments."""
    if "." not in path and "%2" not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        plain = _ESCAPED_DOT.sub(".", segment)
        last = place == len(segments) - 1
        if plain == "..":
            if kept:
                kept.pop()
        elif plain != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


def _quoted(path: str, charset: str) -> str:
    return quote(path, safe=_PATH_KEPT, encoding=charset, errors="replace")


def _same(base: Target, path: str) -> Target:
    return Target(base.secure, base.host, base.port, path, base.literal)
