"""Values of DNS records, read with bounded work and compared by what they mean, not by their text. Pure.

Addresses are compared as addresses, names without case and final dot, texts (TXT) by every character.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from probes.net.targets import BadTarget, parse_host

#: A name has at most so many bytes, and a pointer to a pointer to a pointer is no honest compression.
_NAME_MOST, _POINTERS_MOST = 255, 32
#: Labels read in one message; 4,000 honest names share most of theirs.
_LABELS_MOST = 20_000
_POINTER = 0xC0
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)
_PLAIN_LABEL = re.compile(rb"[A-Za-z0-9_*-]+\Z")

#: What a value is compared by.
Key = tuple[object, ...]


class BadRecord(ValueError):
    """A record that is no record; the text says why."""


@dataclass(frozen=True, slots=True, order=True)
class DnsValue:
    """One value: as people read it, and what it is compared by."""

    text: str
    key: Key


class DnsMessage:
    """The bytes of a message, and the names in it: what pointers point at is read once, and no more than is honest."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._tails: dict[int, tuple[str, ...]] = {}
        self._labels_left = _LABELS_MOST

    def name_at(self, offset: int) -> tuple[str, int]:
        """The name at an offset, as text with its final dot, and the offset after it. Raises BadRecord, IndexError."""
        labels, offset = self._labels(offset)
        length = self.data[offset]
        if not length:
            return ".".join(labels) + ".", offset + 1
        target = self._target(offset)
        tail = self._tails.get(target)
        if tail is None:
            tail = self._tails[target] = tuple(self._tail(target))
        labels.extend(tail)
        if sum(map(len, labels)) + len(labels) > _NAME_MOST * 4:
            raise BadRecord("a name that is too long")
        return ".".join(labels) + ".", offset + 2

    def _tail(self, offset: int) -> list[str]:
        labels: list[str] = []
        for _ in range(_POINTERS_MOST):
            more, offset = self._labels(offset)
            labels += more
            if not self.data[offset]:
                return labels
            offset = self._target(offset)
        raise BadRecord("a name with too many pointers")

    def _labels(self, offset: int) -> tuple[list[str], int]:
        """The labels from an offset up to the end of the name or a pointer, and where that is."""
        data = self.data
        labels: list[str] = []
        while (length := data[offset]) and length & _POINTER != _POINTER:
            if length & _POINTER:
                raise BadRecord("a name of an unknown kind")
            self._labels_left -= 1
            if len(labels) >= _NAME_MOST // 2 or self._labels_left < 0:
                raise BadRecord("a name of too many labels")
            labels.append(_label(data[offset + 1 : offset + 1 + length]))
            offset += 1 + length
        return labels, offset

    def _target(self, offset: int) -> int:
        target = (self.data[offset] & 0x3F) << 8 | self.data[offset + 1]
        if target >= offset:
            raise BadRecord("a name that points forward")
        return target


def skip_name(data: bytes, offset: int) -> int:
    """The offset after a name, without following its pointers. Raises BadRecord and IndexError."""
    while True:
        length = data[offset]
        if length & _POINTER == _POINTER:
            return offset + 2
        if length & _POINTER:
            raise BadRecord("a name of an unknown kind")
        offset += 1 + length
        if length == 0:
            return offset


def value_at(record: str, message: DnsMessage, offset: int, length: int) -> DnsValue:
    """The value of a record in a message. Raises BadRecord, IndexError and struct.error."""
    return _READERS[record](message, offset, length)


def same(name: str) -> str:
    """A name as names are compared."""
    return name.lower().removesuffix(".")


def is_expected(record: str, expected: Iterable[str], found: Iterable[DnsValue], exactly: bool) -> bool:
    """Whether one of the expected texts is among the values; or, `exactly`, all of them and nothing else."""
    readings = [_readings(record, text) for text in expected]
    keys = {value.key for value in found}
    if not exactly:
        return any(keys & each for each in readings)
    return all(keys & each for each in readings) and keys <= frozenset[Key]().union(*readings)


def _label(raw: bytes) -> str:
    if _PLAIN_LABEL.match(raw):
        return raw.decode()
    return "".join(chr(b) if 0x21 <= b < 0x7F and b not in b'.\\"' else f"\\{b:03d}" for b in raw)


def _address(message: DnsMessage, offset: int, length: int) -> DnsValue:
    packed = message.data[offset : offset + length]
    try:
        address = ipaddress.ip_address(packed)
    except ValueError:
        raise BadRecord("an address of a wrong length") from None
    return DnsValue(str(address), (packed,))


def _named(numbers: str = "") -> Callable[[DnsMessage, int, int], DnsValue]:
    """Numbers and a name."""
    head = struct.Struct(f">{numbers}")

    def read(message: DnsMessage, offset: int, length: int) -> DnsValue:
        values = head.unpack_from(message.data, offset)
        name, _ = message.name_at(offset + head.size)
        return DnsValue(" ".join([*map(str, values), name]), (*values, same(name)))

    return read


def _authority(message: DnsMessage, offset: int, length: int) -> DnsValue:
    primary, offset = message.name_at(offset)
    person, offset = message.name_at(offset)
    numbers = struct.unpack_from(">5I", message.data, offset)
    return DnsValue(" ".join([primary, person, *map(str, numbers)]), (same(primary), same(person), *numbers))


def _text(message: DnsMessage, offset: int, length: int) -> DnsValue:
    data, end, pieces = message.data, offset + length, bytearray()
    while offset < end:
        size = data[offset]
        if offset + 1 + size > end:
            raise BadRecord("a text that is longer than its record")
        pieces += data[offset + 1 : offset + 1 + size]
        offset += 1 + size
    return DnsValue(pieces.decode(errors="replace"), (bytes(pieces),))


def _certification(message: DnsMessage, offset: int, length: int) -> DnsValue:
    data = message.data
    flags, size = data[offset], data[offset + 1]
    tag = data[offset + 2 : offset + 2 + size].decode("ascii", "replace")
    value = data[offset + 2 + size : offset + length].decode(errors="replace")
    return DnsValue(f'{flags} {tag} "{value}"', (flags, tag.lower(), _issuer(value)))


def _issuer(value: str) -> str:
    """The name of the authority is compared without case, its parameters are not."""
    name, semicolon, rest = value.partition(";")
    return name.strip().lower() + semicolon + rest.strip()


_READERS: Mapping[str, Callable[[DnsMessage, int, int], DnsValue]] = {
    "A": _address,
    "AAAA": _address,
    "CAA": _certification,
    "CNAME": _named(),
    "MX": _named("H"),
    "NS": _named(),
    "PTR": _named(),
    "SOA": _authority,
    "SRV": _named("3H"),
    "TXT": _text,
}


def _readings(record: str, text: str) -> frozenset[Key]:
    """The keys that an expected text may stand for; one that no value has, when it is no such value."""
    if record == "TXT":
        raw = text.encode(errors="replace")
        return frozenset({(raw,), (raw.strip(),), (_unquoted(raw.strip()),)})
    try:
        return frozenset({_read(record, text.split())})
    except (ValueError, IndexError):
        return frozenset({("no such value", text)})


def _read(record: str, words: list[str]) -> Key:
    match record:
        case "A" | "AAAA":
            (word,) = words
            return (ipaddress.ip_address(word).packed,)
        case "CAA":
            value = " ".join(words[2:])
            return int(words[0]), words[1].lower(), _issuer(value.removeprefix('"').removesuffix('"'))
        case "SOA":
            primary, person, *numbers = words
            return (_name(primary), _name(person), *map(int, numbers))
        case _:
            *numbers, name = words
            return (*map(int, numbers), _name(name))


def _name(text: str) -> str:
    plain = text.removesuffix(".")
    if plain.isascii():
        return plain.lower()
    try:
        return parse_host(plain)[0]
    except BadTarget:
        return plain.lower()


def _unquoted(raw: bytes) -> bytes:
    """Strings in quotation marks, as zone files and `dig` write them, joined; anything else as it is."""
    pieces = _QUOTED.findall(raw)
    if not pieces or _QUOTED.sub(b"", raw):
        return raw
    return b"".join(_ESCAPE.sub(_escaped, piece) for piece in pieces)


def _escaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1]) & 0xFF]) if len(found[1]) == 3 else found[1]
