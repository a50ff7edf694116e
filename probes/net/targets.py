"""Strict parser of URLs and hosts: what is checked is what is dialled."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

import idna

#: Longest URL kept or followed (characters).
URL_LIMIT = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_KEPT = "/?:@!$&'()*+,;=%~-._[]"


class BadTarget(ValueError):
    """A URL or host that will not be dialled, with the reason for people."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address to dial: `host` is lower-case ASCII without brackets, `literal` when it is an IP address."""

    secure: bool
    host: str
    port: int
    path: str
    literal: bool

    @property
    def scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.secure, self.host, self.port

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@lru_cache(maxsize=16384)
def parse_url(url: str) -> Target:
    """Parse an http or https URL; raises BadTarget for anything that two parsers could read differently."""
    return _parsed(url)


def _parsed(url: str) -> Target:
    if len(url) > URL_LIMIT:
        raise BadTarget(f"a URL of more than {URL_LIMIT} characters")
    if _UNSAFE.search(url) or "\\" in url:
        raise BadTarget("a URL must not hold blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadTarget(f"not a URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadTarget("a URL starts with http:// or https://")
    if "@" in parts.netloc:
        raise BadTarget("user and password do not belong into a URL; use the secrets `basic` or `bearer`")
    if not parts.hostname:
        raise BadTarget("a URL needs a host, like https://example.com/")
    if port == 0:
        raise BadTarget("port 0 cannot be dialled")
    # Not `hostname`: its lower case of a final sigma is not that of browsers.
    host, literal = parse_host(parts.hostname if parts.netloc.startswith("[") else parts.netloc.partition(":")[0])
    path = quote(parts.path or "/", safe=_KEPT)
    if parts.query:
        path += "?" + quote(parts.query, safe=_KEPT)
    return Target(parts.scheme == "https", host, port or _DEFAULT_PORTS[parts.scheme], path, literal)


@lru_cache(maxsize=16384)
def parse_host(text: str) -> tuple[str, bool]:
    """The host in lower-case ASCII and whether it is an IP literal; raises BadTarget for odd spellings of either."""
    if ":" in text or "%" in text:
        return _ipv6(text.lower()), True
    host = text.lower() if text.isascii() else _in_ascii(text)
    labels = host.split(".")
    if _NUMERIC.match(labels[-1]) or (labels[-1] == "" and len(labels) > 1 and _NUMERIC.match(labels[-2])):
        return _ipv4(text), True
    if labels[-1] == "":
        raise BadTarget("write the host without a dot at its end")
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        raise BadTarget(f"{text[:60]!r} is not a host name")
    return host, False


def _in_ascii(text: str) -> str:
    """A name in ASCII as browsers make it: UTS 46, not transitional, with emoji."""
    try:
        if len(text) > 253:
            raise idna.IDNAError("too long")
        labels = idna.uts46_remap(text, std3_rules=False, transitional=False).split(".")
        return ".".join(label if label.isascii() else _a_label(label) for label in labels)
    except ValueError:
        # Its own errors are of this kind, and so is that of the tables of Unicode for a character without a name.
        raise BadTarget(f"{text[:60]!r} is not a host name") from None


def _a_label(label: str) -> str:
    idna.check_initial_combiner(label)
    idna.check_bidi(label)
    if any(unicodedata.category(character) == "So" for character in label):
        # Joiners make one picture of several emoji; in names they have no place.
        label = label.replace("\u200d", "").replace("\u200c", "")
    if not all(idna.valid_contextj(label, at) for at, character in enumerate(label) if character in "\u200c\u200d"):
        raise idna.IDNAError("a joiner without what it joins")
    return "xn--" + label.encode("punycode").decode() if not label.isascii() else label


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise BadTarget(f"write the IP address {text[:60]!r} as four plain numbers, like 192.0.2.1") from None


def _ipv6(host: str) -> str:
    if "%" in host:
        raise BadTarget("an address with a scope id cannot be dialled")
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise BadTarget(f"{host[:60]!r} is not an IPv6 address") from None
