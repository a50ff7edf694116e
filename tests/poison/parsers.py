"""Parsers of text that others wrote: addresses, heads of answers, envelopes, documents as code, files of importers."""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from probes import keys
from probes.net.failures import Failure
from probes.net.http.head import read_head
from probes.net.http.location import follow
from probes.net.targets import BadTarget, parse_host, parse_url
from probes.reasons import Refusal
from probes.signing.envelope import split_value
from probes.signing.signatures import TrustedKeys
from tests.poison.boundary import Boundary, assert_storable
from tests.poison.changes import ODD_TEXTS, changed_bytes
from tests.probes.signing.test_signatures import BODY, KEY, MACS, NOW_MS, PLACE, signed
from tests.vigil.code.core.test_document import BASE
from tests.vigil.importers import test_gatus, test_hosted, test_kuma, test_litellm_document, test_prometheus
from tests.vigil.importers.imports import imported
from tests.vigil.importers.test_terraform import STATE
from vigil.code.catalogue import catalogue
from vigil.code.core.document import read_document
from vigil.code.core.formats.json_text import read_json_text
from vigil.code.core.formats.toml_text import read_toml
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.code.core.tree import DocumentError, Node
from vigil.importers.core.report import SourceError

_FOLDER = tempfile.TemporaryDirectory(prefix="vigil-poison-")
atexit.register(_FOLDER.cleanup)
_PIECES = (
    "http://", "https://", "HTTP:", "//", "/", "\\", "@", ":", ":443", ":0", "?", "#", "%", "%00", "%2e%2e/", "..",
    ".", "[", "]", "[::1]", "[fe80::1%25eth0]", "127.0.0.1", "0177.1", "0x7f", "example.com", "xn--", "xn--a",
    "\u00fc", "\u3002", "\uff0e", "\u200d", "\u0661", "\u1e9e", "a", "-", "_", " ", "\t", "\r\n", "\0", "user:pass@",
    "*", "javascript:",
)  # fmt: skip
_HEADS = (
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 ", b"HTTP/2 200\r\n", b"HTTP/1.0 999 \xff\r\n", b"ICY 200 OK\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 99999999999999999999\r\n", b"content-length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n", b" folded\r\n", b"\tx\r\n", b": \r\n", b"X\0: y\r\n", b"X : y\r\n",
    b"Set-Cookie: a=b; Path=/\r\n", b"Location: //\xff\r\n", b"\n", b"\r", b"\r\n", b"Retry-After: 1e9\r\n",
    b"X: \xed\xa0\xbd\r\n",
)  # fmt: skip
_SIGNED = signed()
_ENVELOPES = (
    _SIGNED, signed(NOW_MS - 10**6), signed(place=keys.status("eu-west")), MACS.mac(PLACE, BODY, NOW_MS)
)  # fmt: skip
SOURCES = (
    "gatus", "prometheus", "upptime", "litellm", "uptimerobot", "betterstack", "healthchecks", "terraform",
    "uptime-kuma",
)  # fmt: skip


def text_of_pieces(dice: Random) -> str:
    """An address that is right, nearly right, or nothing of the kind."""
    found = "".join(dice.choice(_PIECES) for _ in range(dice.randint(1, 9)))
    return ("http://" + found if dice.randrange(2) else found) + (
        dice.choice(ODD_TEXTS) if not dice.randrange(8) else ""
    )


def read_url(text: str) -> None:
    """What is taken is plain, and is read as the same address again: what is checked is what is dialled."""
    try:
        target = parse_url(text)
    except BadTarget as refused:
        str(refused).encode()
        return
    assert target.url.isascii() and target.url.isprintable() and 1 <= target.port <= 65_535
    assert parse_url(target.url) == target
    assert parse_host(target.host) == (target.host, target.literal)


def read_location(text: str) -> None:
    try:
        target = follow(parse_url("https://example.com/a/b?c"), text).target
    except (BadTarget, Failure):
        return
    read_url(target.url)


def head_by_chance(dice: Random) -> bytes:
    return changed_bytes(b"".join(dice.choice(_HEADS) for _ in range(dice.randint(1, 12))) + b"\r\n", dice)


def read_one_head(raw: bytes) -> None:
    try:
        head = read_head(raw)
    except Failure as refused:
        str(refused).encode("utf-8", "replace")
        return
    assert 0 <= head.code <= 999
    assert all("\n" not in name + value for name, value in head.headers)


def envelope_by_chance(dice: Random) -> bytes:
    return changed_bytes(dice.choice(_ENVELOPES), dice)


def read_one_envelope(raw: bytes) -> None:
    """Only the envelope as its region signed it is taken; whatever else it is, it is refused with a cause."""
    refusal = TrustedKeys([KEY.public]).refusal(PLACE, BODY, raw, NOW_MS)
    assert (refusal is None) is (raw == _SIGNED)
    assert refusal is None or isinstance(refusal, Refusal)
    split_value(raw)


#: Forms of monitors as code: a document that is right, and its reader.
_FORMS: dict[str, tuple[str, Callable[[str, str], Node]]] = {
    "YAML": (BASE, read_yaml),
    "JSON": ('{"version": 1,\n"monitors": {"a": {"http": {"url": "https://x.test/"}}}}', read_json_text),
    "TOML": ('version = 1\n[monitors.a.http]\nurl = "https://x.test/"\n', read_toml),
}


def code_in(form: str) -> Boundary:
    sample, parse = _FORMS[form]

    def made(dice: Random) -> str:
        lines = sample.splitlines(keepends=True)
        for _ in range(dice.randrange(4)):
            at = dice.randrange(len(lines))
            lines[at] = dice.choice((lines[at] * 2, "", lines[at].replace(":", ": &a", 1), f"<<: *a\n{lines[at]}",
                                     lines[at].rstrip() + dice.choice(ODD_TEXTS) + "\n"))  # fmt: skip
        return changed_bytes("".join(lines).encode(), dice).decode("utf-8", "replace")

    def read(text: str) -> None:
        try:
            found = read_document(parse(text, "vigil.yaml"), catalogue())
        except DocumentError as refused:
            str(refused).encode()
            return
        assert_storable([found.project])

    return Boundary(made, read, 0.1)


def _sample(name: str) -> bytes:
    return {
        "gatus": lambda: test_gatus.CONFIG.encode(),
        "prometheus": lambda: test_prometheus.CONFIG.encode(),
        "upptime": lambda: test_hosted.SITES.encode(),
        "litellm": lambda: test_litellm_document.CONFIG.encode(),
        "uptimerobot": lambda: json.dumps({"monitors": test_hosted.ROBOT}).encode(),
        "betterstack": lambda: json.dumps({"data": test_hosted.STACK}).encode(),
        "healthchecks": lambda: json.dumps({"checks": test_hosted.CHECKS}).encode(),
        "terraform": lambda: json.dumps(STATE).encode(),
        "uptime-kuma": lambda: test_kuma.v2(Path(_FOLDER.name) / "sample.db").read_bytes(),
    }[name]()


def file_of(source: str) -> Callable[[Random], bytes]:
    sample = _sample(source)

    def made(dice: Random) -> bytes:
        found = sample
        if source != "uptime-kuma":
            lines = found.split(b"\n" if b"\n" in found else b",")
            for _ in range(dice.randrange(3)):
                at = dice.randrange(len(lines))
                lines[at] = dice.choice(
                    (b"", lines[at] * 2, lines[at] + dice.choice(ODD_TEXTS).encode("utf-8", "replace"))
                )
            found = (b"\n" if b"\n" in sample else b",").join(lines)
        return changed_bytes(found, dice)

    return made


def read_import(source: str) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        """Whatever comes out is a document that this Vigil takes; `imported` reads it again."""
        path = Path(_FOLDER.name) / ("config.db" if source == "uptime-kuma" else "config.yaml")
        path.write_bytes(content)
        try:
            imported(source, path)
        except SourceError as refused:
            said = str(refused)
        else:
            return
        assert "\n" not in said

    return read


BOUNDARIES = {
    "URL": Boundary(text_of_pieces, read_url),
    "redirect": Boundary(text_of_pieces, read_location, 0.5),
    "head of an answer": Boundary(head_by_chance, read_one_head),
    "envelope": Boundary(envelope_by_chance, read_one_envelope, 0.2),
    **{f"code in {form}": code_in(form) for form in _FORMS},
    **{f"import of {source}": Boundary(file_of(source), read_import(source), 0.02) for source in SOURCES},
}
