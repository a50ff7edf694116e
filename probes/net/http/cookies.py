"""Cookies of one check: kept from hop to hop as RFC 6265 says, for the host that set them only, and then forgotten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from probes.net.http_messages import Header
from probes.net.targets import Target

#: As browsers: more cookies, or a longer one, are not kept.
_COOKIES_MOST = 50
_BYTES_MOST = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NUMBER = re.compile(r"-?[0-9]{1,15}\Z")
_DASHED_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{2,4})")


@dataclass(frozen=True, slots=True)
class _Cookie:
    name: str
    value: str
    host: str
    path: str
    secure: bool


class Cookies:
    """What servers set in one check."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], _Cookie] = {}

    def take(self, target: Target, headers: Sequence[Header], now_s: float) -> None:
        """Keep what an answer of `target` sets, and drop what it ends."""
        for name, value in headers:
            if name != "set-cookie":
                continue
            read = _read(target, value, now_s)
            if read is None:
                continue
            cookie, ended = read
            key = cookie.host, cookie.path, cookie.name
            # A cookie that is set again keeps its place.
            if ended:
                self._kept.pop(key, None)
            elif key in self._kept or len(self._kept) < _COOKIES_MOST:
                self._kept[key] = cookie

    def header(self, target: Target) -> str:
        """The value of `Cookie` for a request; "" without one."""
        path = target.path.partition("?")[0]
        fitting = [
            cookie
            for cookie in self._kept.values()
            if cookie.host == target.host and (target.secure or not cookie.secure) and _within(path, cookie.path)
        ]
        fitting.sort(key=_path_length, reverse=True)
        return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in fitting)


def _read(target: Target, text: str, now_s: float) -> tuple[_Cookie, bool] | None:
    """The cookie of one header and whether it has ended; None for one that is not for its host or not a cookie."""
    pair, *attributes = text.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(" \t"), value.strip(" \t")
    if not (name or value) or len(name) + len(value) > _BYTES_MOST or _CONTROL.search(pair):
        return None
    path, secure, ended, max_age = _default_path(target.path), False, False, False
    for attribute in attributes:
        key, _, given = attribute.partition("=")
        key, given = key.strip(" \t").lower(), given.strip(" \t")
        if key == "path":
            path = given if given.startswith("/") else _default_path(target.path)
        elif key == "secure":
            secure = True
        elif key == "domain" and not _is_for(target, given):
            return None
        elif key == "max-age" and _NUMBER.match(given):
            ended, max_age = int(given) <= 0, True
        elif key == "expires" and not max_age:
            ended = _is_past(given, now_s)
    if secure and not target.secure:
        return None
    if _prefix_broken(name, secure, path, attributes):
        return None
    return _Cookie(_sendable(name), _sendable(value), target.host, path, secure), ended


def _is_for(target: Target, domain: str) -> bool:
    """Whether a Domain attribute covers the host that sent it; a cookie for others is refused as a whole."""
    wanted = domain.removeprefix(".").lower()
    if not wanted or wanted == target.host:
        return True
    return not target.literal and "." in wanted and target.host.endswith("." + wanted)


def _prefix_broken(name: str, secure: bool, path: str, attributes: list[str]) -> bool:
    lower = name.lower()
    if lower.startswith("__secure-"):
        return not secure
    if lower.startswith("__host-"):
        return not secure or path != "/" or any(a.strip().lower().startswith("domain=") for a in attributes)
    return False


def _is_past(text: str, now_s: float) -> bool:
    try:
        return parsedate_to_datetime(_DASHED_DATE.sub(r"\1 \2 \3", text[:64])).timestamp() <= now_s
    except (ValueError, TypeError, IndexError, OverflowError):
        return False


def _default_path(path: str) -> str:
    return path.partition("?")[0].rpartition("/")[0] or "/"


def _within(path: str, wanted: str) -> bool:
    return path == wanted or (path.startswith(wanted) and (wanted.endswith("/") or path[len(wanted)] == "/"))


def _path_length(cookie: _Cookie) -> int:
    return len(cookie.path)


def _sendable(text: str) -> str:
    # Headers have one character per byte here and are sent as UTF-8.
    return text if text.isascii() else text.encode("latin-1", "replace").decode(errors="replace")
