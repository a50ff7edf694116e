"""Parser of DNS answers with bounded work: the sender may be hostile.

A general parser expands every name of every record; a small message of pointers to pointers can cost seconds of CPU.
This one skips names and reads only the values of the record that was asked for.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

#: Values read from one answer; a spec compares fewer.
VALUES_MOST = 60
#: Records scanned in one answer; honest answers have fewer.
_RECORDS_MOST = 1_000
_HEAD = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHIH")
_IS_ANSWER, _IS_TRUNCATED, _OPERATION = 0x8000, 0x0200, 0x7800
_POINTER = 0xC0


class NoAnswer(ValueError):
    """The bytes do not answer the question; the text says why."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """Response code, whether the answer was cut to fit a datagram, and the values of the record asked for, as text."""

    rcode: int
    truncated: bool
    values: tuple[str, ...]


def read(data: bytes, question: bytes, record: str) -> DnsAnswer:
    """The answer in `data` to the message `question`, which asks one thing; raises NoAnswer."""
    try:
        number, flags, questions, answers, _, _ = _HEAD.unpack_from(data)
        if number != _HEAD.unpack_from(question)[0] or not flags & _IS_ANSWER or flags & _OPERATION:
            raise NoAnswer("an answer to something else")
        offset = _after_question(data, question, questions)
        truncated = bool(flags & _IS_TRUNCATED)
        found = [] if truncated else _values(data, offset, min(answers, _RECORDS_MOST), record)
    except (struct.error, IndexError, dns.exception.DNSException, ValueError) as error:
        raise error if isinstance(error, NoAnswer) else NoAnswer("no DNS message") from None
    return DnsAnswer(flags & 0x000F, truncated, tuple(sorted(found)))


def _after_question(data: bytes, question: bytes, questions: int) -> int:
    """The offset after the question, which must be ours; a failing server may leave it out."""
    if questions == 0:
        return _HEAD.size
    asked_end = _skip_name(question, _HEAD.size) + 4
    if questions != 1 or data[_HEAD.size : asked_end].lower() != question[_HEAD.size : asked_end].lower():
        raise NoAnswer("an answer to another question")
    return asked_end


def _values(data: bytes, offset: int, records: int, record: str) -> list[str]:
    wanted = dns.rdatatype.from_text(record)
    found: list[str] = []
    for _ in range(records):
        offset = _skip_name(data, offset)
        kind, group, _, length = _RECORD.unpack_from(data, offset)
        offset += _RECORD.size
        if offset + length > len(data):
            raise NoAnswer("a record that is longer than its message")
        if kind == wanted and group == dns.rdataclass.IN and len(found) < VALUES_MOST:
            found.append(_text(dns.rdata.from_wire(group, kind, data, offset, length), record))
        offset += length
    return found


def _text(value: dns.rdata.Rdata, record: str) -> str:
    if record == "TXT":
        return b"".join(value.strings).decode(errors="replace")  # type: ignore[attr-defined]  # of TXT only
    return value.to_text()


def _skip_name(data: bytes, offset: int) -> int:
    """The offset after a name; a pointer ends the name and is not followed."""
    while True:
        length = data[offset]
        if length & _POINTER == _POINTER:
            return offset + 2
        if length & _POINTER:
            raise NoAnswer("a name of an unknown kind")
        offset += 1 + length
        if length == 0:
            return offset
