"""Parser of DNS answers with bounded work: the sender may be hostile.

It follows the aliases (CNAME) of the name that was asked for, reads the values at their end, and keeps whom the server
refers to instead. Every name is read once, with few pointers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from probes.net.dns.values import BadRecord, DnsMessage, DnsValue, same, skip_name, value_at

#: Records scanned in one answer: as many as a message of 64 KiB can hold.
_RECORDS_MOST = 6_000
#: Aliases followed from the name that was asked for.
_ALIASES_MOST = 16
_HEAD = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHIH")
_IS_ANSWER, _IS_AUTHORITY, _IS_TRUNCATED, _OPERATION = 0x8000, 0x0400, 0x0200, 0x7800
_INTERNET = 1
NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "CAA": 257}
_OPT = 41


class NoAnswer(ValueError):
    """The bytes do not answer the question; the text says why."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """Response code (with the extended half), whether it was cut to fit a datagram, and every value asked for.

    `alias` is the name that the one asked for stands for at last, or "". `is_complete` says that the server knows the
    zone of that name, and no such record in it. `referred_to` is the zone whose name servers
    the server names instead of an answer, or "".
    """

    rcode: int
    truncated: bool
    values: tuple[DnsValue, ...] = ()
    alias: str = ""
    is_complete: bool = False
    referred_to: str = ""


@dataclass(slots=True)
class _Sections:
    """What was found so far: aliases by owner, values by owner, and of the authority section who is named."""

    aliases: dict[str, str] = field(default_factory=dict)
    values: dict[str, set[DnsValue]] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    has_authority: bool = False
    extended: int = 0


def read(data: bytes, question: bytes, record: str) -> DnsAnswer:
    """The answer in `data` to the message `question`, which asks one thing; raises NoAnswer."""
    try:
        number, flags, questions, *counts = _HEAD.unpack_from(data)
        if number != _HEAD.unpack_from(question)[0] or not flags & _IS_ANSWER or flags & _OPERATION:
            raise NoAnswer("an answer to something else")
        offset = _after_question(data, question, questions)
        if flags & _IS_TRUNCATED:
            return DnsAnswer(flags & 0x000F, truncated=True)
        found = _sections(DnsMessage(data), offset, counts, record)
        asked, _ = DnsMessage(question).name_at(_HEAD.size)
    except (struct.error, IndexError, BadRecord) as error:
        raise NoAnswer("no DNS message") from error
    rcode = found.extended << 4 | flags & 0x000F
    chain = _chain(same(asked), {} if record == "CNAME" else found.aliases)
    values = sorted({value for name in chain for value in found.values.get(name, ())})
    is_referral = not (values or found.aliases or found.has_authority or flags & _IS_AUTHORITY)
    referred_to = found.zones[0] if is_referral and found.zones else ""
    alias = chain[-1] if len(chain) > 1 else ""
    return DnsAnswer(rcode, False, tuple(values), alias, found.has_authority, referred_to)


def _after_question(data: bytes, question: bytes, questions: int) -> int:
    """The offset after the question, which must be ours; a failing server may leave it out."""
    if questions == 0:
        return _HEAD.size
    asked_end = skip_name(question, _HEAD.size) + 4
    if questions != 1 or data[_HEAD.size : asked_end].lower() != question[_HEAD.size : asked_end].lower():
        raise NoAnswer("an answer to another question")
    return asked_end


def _chain(name: str, aliases: dict[str, str]) -> list[str]:
    """The name and the aliases that follow from it."""
    chain = [name]
    while len(chain) <= _ALIASES_MOST and (following := aliases.get(chain[-1])) and following not in chain:
        chain.append(following)
    return chain


def _sections(message: DnsMessage, offset: int, counts: list[int], record: str) -> _Sections:
    data, found = message.data, _Sections()
    answers, authorities, more = counts
    for place in range(min(answers + authorities + more, _RECORDS_MOST)):
        begins = offset
        offset = skip_name(data, offset)
        kind, group, lifetime, length = _RECORD.unpack_from(data, offset)
        offset += _RECORD.size
        if offset + length > len(data):
            raise NoAnswer("a record that is longer than its message")
        if kind == _OPT and place >= answers + authorities:
            found.extended = lifetime >> 24
        elif group == _INTERNET and place < answers:
            _answer(found, message, (begins, kind, offset, length), record)
        elif group == _INTERNET and place < answers + authorities:
            found.has_authority = found.has_authority or kind == NUMBERS["SOA"]
            if kind == NUMBERS["NS"]:
                found.zones.append(same(message.name_at(begins)[0]))
        offset += length
    return found


def _answer(found: _Sections, message: DnsMessage, place: tuple[int, int, int, int], record: str) -> None:
    begins, kind, offset, length = place
    if kind == NUMBERS[record]:
        owner = same(message.name_at(begins)[0])
        found.values.setdefault(owner, set()).add(value_at(record, message, offset, length))
    elif kind == NUMBERS["CNAME"]:
        found.aliases[same(message.name_at(begins)[0])] = same(message.name_at(offset)[0])
