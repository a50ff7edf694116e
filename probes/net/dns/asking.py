"""One DNS question: over UDP with and without EDNS, then over TCP when the answer is cut.

Old name servers answer a question with EDNS by an error or not at all (RFC 6891, section 7): they are asked again
without it.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

import dns.message
import dns.name

from probes.net.dialer import Dialer, source_for
from probes.net.dns.answer import DnsAnswer, NoAnswer, read
from probes.net.failures import Failure, ProtocolBroken, explain
from probes.net.stream import Endpoint, open_stream
from probes.net.trace import Trace
from probes.reasons import Reason, Status

#: A question without an answer is sent again after these pauses (s), now without EDNS, now with it, until the deadline.
_FIRST_PAUSE_S, _PAUSE_S = 0.8, 1.5
#: Largest answer over UDP (bytes): what passes without fragmentation everywhere.
_DATAGRAM_BYTES = 1232
#: A server that answers so knows the question: no error, no such name.
_UNDERSTOOD = (0, 3)
NO_EDNS = "the server does not know EDNS"
ONLY_WITHOUT_EDNS = "answered only without EDNS"


@dataclass(frozen=True, slots=True)
class DnsQuestion:
    """An encoded question for one record of one name."""

    message: bytes
    record: str


@dataclass(frozen=True, slots=True)
class DnsReply:
    """An answer, and what had to be left out to get it: "" or words on EDNS."""

    answer: DnsAnswer
    edns: str = ""


def questions(name: str, record: str) -> tuple[DnsQuestion, DnsQuestion]:
    """The same question with EDNS and without it."""
    asked = dns.name.from_text(name)
    with_edns = dns.message.make_query(asked, record, use_edns=0, payload=_DATAGRAM_BYTES)
    return DnsQuestion(with_edns.to_wire(), record), DnsQuestion(
        dns.message.make_query(asked, record).to_wire(), record
    )


async def ask(name: str, record: str, endpoint: Endpoint, dialer: Dialer, trace: Trace) -> DnsReply:
    """The server's answer; the caller owns the deadline. Raises what `probes.net.failures.explain` knows."""
    pair = questions(name, record)
    reply, question = await _over_udp(pair, endpoint, dialer, trace)
    if not reply.answer.truncated:
        return reply
    try:
        return DnsReply(await _over_tcp(question, endpoint, dialer, trace), reply.edns)
    except (OSError, Failure) as error:
        if isinstance(error, TimeoutError) or (told := explain(error)) is None:
            raise
        failure = Failure(f"the answer is too long for UDP, and over TCP the server does not give it: {told[2]}")
        failure.status, failure.reason = told[0], told[1]
        raise failure from error


class _Asking(asyncio.DatagramProtocol):
    """Waits for the datagrams that answer the questions; forged and late ones are ignored."""

    def __init__(self, pair: tuple[DnsQuestion, DnsQuestion]) -> None:
        self._pair = pair
        self._unusable = ""
        loop = asyncio.get_running_loop()
        self.answers: tuple[asyncio.Future[DnsAnswer], asyncio.Future[DnsAnswer]] = (
            loop.create_future(),
            loop.create_future(),
        )

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        for question, answer in zip(self._pair, self.answers, strict=True):
            if answer.done():
                continue
            try:
                answer.set_result(read(data, question.message, question.record))
                return
            except NoAnswer as why:
                # Of the two questions, the one with the number of the datagram says more.
                if data[:2] == question.message[:2] or not self._unusable:
                    self._unusable = str(why)

    def heard(self) -> tuple[Status, Reason, str] | None:
        """What a timeout is told as when something came that answers nothing."""
        if not self._unusable:
            return None
        return Status.DOWN, Reason.TIMEOUT, f"no usable answer in time; the last datagram was {self._unusable}"

    def error_received(self, error: Exception) -> None:
        for answer in self.answers:
            if not answer.done():
                answer.set_exception(error)


async def _over_udp(
    pair: tuple[DnsQuestion, DnsQuestion], endpoint: Endpoint, dialer: Dialer, trace: Trace
) -> tuple[DnsReply, DnsQuestion]:
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(
        lambda: _Asking(pair),
        remote_addr=(endpoint.host, endpoint.port),
        local_addr=source_for(dialer, endpoint.host),
    )
    with_edns, without = asking.answers
    trace.at_deadline = asking.heard
    try:
        sent, pause_s = 0, _FIRST_PAUSE_S
        while not (with_edns.done() or without.done()):
            transport.sendto(pair[sent % 2].message)
            await asyncio.wait(asking.answers, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
            sent, pause_s = sent + 1, _PAUSE_S
        if not with_edns.done():
            return DnsReply(without.result(), ONLY_WITHOUT_EDNS), pair[1]
        answer = with_edns.result()
        if answer.rcode in _UNDERSTOOD:
            return DnsReply(answer), pair[0]
        transport.sendto(pair[1].message)
        await asyncio.wait((without,), timeout=_PAUSE_S)
        if without.done() and without.exception() is None and without.result().rcode in _UNDERSTOOD:
            return DnsReply(without.result(), NO_EDNS), pair[1]
        return DnsReply(answer), pair[0]
    finally:
        transport.close()
        if with_edns.done() or without.done():
            trace.at_deadline = None
        for answered in asking.answers:
            if not answered.cancel():
                answered.exception()


async def _over_tcp(question: DnsQuestion, endpoint: Endpoint, dialer: Dialer, trace: Trace) -> DnsAnswer:
    async with open_stream(dialer, endpoint, trace) as stream:
        stream.send(struct.pack(">H", len(question.message)) + question.message)
        (length,) = struct.unpack(">H", await stream.take(2))
        try:
            return read(await stream.take(length), question.message, question.record)
        except NoAnswer as problem:
            raise ProtocolBroken(f"the resolver's answer cannot be used: {problem}") from None
