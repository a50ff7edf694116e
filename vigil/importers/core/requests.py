"""HTTP requests of a source in Vigil's terms: keys and passwords in URLs, headers and bodies become secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from probes.specs.credentials import PERSONAL
from vigil.importers.core.names import Owner, has_reference
from vigil.importers.core.values import REFERENCE_END, REFERENCE_START, text, whole

_SECRET_QUERY = re.compile(
    r"([?&](?:key|sig|[\w-]*(?:api[_-]?key|token|secret|auth|passw|signature|access[_-]?key)[\w-]*)=)([^&#]+)", re.I
)
_SECRET_BODY = re.compile(r"passw|secret|token|api[_-]?key|credential", re.I)
#: Commands that log in, of the protocols that begin in clear.
_SECRET_SENT = re.compile(r"\b(?:AUTH|PASS|LOGIN|HELLO \d+ AUTH|IDENTIFY)\s+\S", re.I)
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#@]*)@")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: What speaks a protocol that begins TLS in clear, by its port.
STARTTLS_PORTS = {21: "ftp", 25: "smtp", 110: "pop3", 143: "imap", 389: "ldap", 587: "smtp", 5432: "postgresql"}
#: Set by the transport itself.
_FRAMING = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
     "upgrade"}
)  # fmt: skip
_CLASS = re.compile(r"([1-9])xx\Z", re.I)
_CODES = re.compile(r"([1-9]\d\d)(?:\s*-\s*([1-9]\d\d))?\Z")
_HOST_PORT = re.compile(r"\[?(?P<host>[^\]\[/]*?)\]?(?::(?P<port>\d{1,5}))?\Z")


@dataclass(slots=True)
class RequestDraft:
    """Configuration, secrets and notes of a request."""

    config: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def request_of(owner: Owner, url: str, headers: object = None, body: str = "", method: str = "GET") -> RequestDraft:
    """The request to `url` (http, https, ws or wss), with its secrets apart."""
    made = RequestDraft({})
    made.config["url"] = address_of(owner, url, made.secrets)
    if method.strip().upper() not in ("", "GET"):
        made.config["method"] = method.strip().upper()
    add_headers(headers, made)
    if body:
        made.config["body"] = body
        if _SECRET_BODY.search(body) and not has_reference(body):
            made.config["body"] = owner.secret(body, "body")
    return made


def sent_of(owner: Owner, said: str) -> str:
    """What a check sends; a reference where it holds a key or logs in."""
    is_secret = _SECRET_BODY.search(said) or _SECRET_SENT.search(said)
    return owner.secret(said, "send") if is_secret and not has_reference(said) else said


def address_of(owner: Owner, url: str, secrets: dict[str, str]) -> str:
    """The URL without user, password, fragment and blanks; values in its query that look like keys are references."""
    tidy = url.strip().partition("#")[0].replace(" ", "%20")
    found = _USERINFO.match(tidy)
    if found:
        user, _, password = found[2].partition(":")
        secrets.setdefault("basic", f"{unquote(user)}:{unquote(password)}")
        tidy = found[1] + tidy[found.end() :]
    scheme = _SCHEME.match(tidy)
    if scheme:
        tidy = scheme[0].lower() + tidy[scheme.end() :]

    def hidden(match: re.Match[str]) -> str:
        name = match[1].strip("?&=")
        return match[1] + owner.secret(match[2], name)

    return _SECRET_QUERY.sub(hidden, tidy)


def add_headers(headers: object, made: RequestDraft) -> None:
    """Add headers to a request; those that say who asks are secrets."""
    plain: list[list[str]] = []
    for name, value in header_pairs(headers):
        lower = name.lower()
        if lower in _FRAMING:
            made.notes.append(f"the header {name} is left out: the transport sets it")
        elif lower == "authorization" and value.lower().startswith("bearer ") and "basic" not in made.secrets:
            made.secrets["bearer"] = value[7:].strip()
        elif PERSONAL.search(name) and lower != "host" and value:
            made.secrets[f"header.{name}"] = value
        else:
            plain.append([name, value])
    if plain:
        made.config["headers"] = plain


def header_pairs(headers: object) -> list[tuple[str, str]]:
    """Headers as pairs, out of a mapping, `Name: value` lines, or a list of either or of name and value."""
    pairs: list[tuple[str, str]] = []
    if isinstance(headers, Mapping):
        for name, value in headers.items():
            shown = value[0] if isinstance(value, list) and value else value
            pairs.append((str(name).strip(), text(shown).strip()))
    elif isinstance(headers, str):
        for line in headers.splitlines():
            name, colon, value = line.partition(":")
            if colon:
                pairs.append((name.strip(), value.strip()))
    elif isinstance(headers, list):
        for each in headers:
            if isinstance(each, Mapping) and ("name" in each or "key" in each):
                pairs.append((text(each.get("name", each.get("key"))).strip(), text(each.get("value")).strip()))
            elif isinstance(each, list) and len(each) == 2 and ":" not in text(each[0]):
                pairs.append((text(each[0]).strip(), text(each[1]).strip()))
            else:
                pairs += header_pairs(each)
    return [(name, value) for name, value in pairs if name]


def status_codes(listed: Iterable[object]) -> tuple[list[str], list[str]]:
    """Codes and ranges as Vigil writes them, out of `200`, `200-299`, `2xx` and numbers; and those not understood."""
    codes, unknown = [], []
    for each in listed:
        for written in text(each).split(","):
            kind, span = _CLASS.match(written.strip()), _CODES.match(written.strip())
            if kind:
                codes.append(f"{kind[1]}00-{kind[1]}99")
            elif span:
                codes.append(span[1] if span[2] in (None, span[1]) else f"{span[1]}-{span[2]}")
            elif written.strip():
                unknown.append(written.strip())
    return list(dict.fromkeys(codes)), unknown


def every_code_but(excluded: Sequence[str]) -> list[str]:
    """The ranges of 100 to 599 that are left without some codes and ranges."""
    out: set[int] = set()
    for written in excluded:
        first, _, last = written.partition("-")
        out.update(range(int(first), int(last or first) + 1))
    ranges: list[str] = []
    start = 0
    for code in range(100, 601):
        if code in out or code == 600:
            if start:
                ranges.append(str(start) if start == code - 1 else f"{start}-{code - 1}")
            start = 0
        elif not start:
            start = code
    return ranges


def host_and_port(written: str, default: int = 0) -> tuple[str, int]:
    """Host and port of `host:port`, `[v6]:port`, or either with a scheme and a path; port `default` if none."""
    tidy = _SCHEME.sub("", written.strip(), count=1).partition("/")[0].rpartition("@")[2]
    if tidy.startswith(REFERENCE_START) and REFERENCE_END in tidy:
        name, _, rest = tidy.partition(REFERENCE_END)
        return name + REFERENCE_END, whole(rest.lstrip(":")) or default
    if tidy.count(":") > 1 and not tidy.startswith("["):
        return tidy.rstrip("."), default
    found = _HOST_PORT.match(tidy)
    if found is None:
        return tidy, default
    return found["host"].rstrip("."), int(found["port"] or default)


def has_scheme(url: str) -> bool:
    return _SCHEME.match(url.strip()) is not None
