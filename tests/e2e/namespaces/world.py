"""What a scene's world has for a worker: Redis, a name server, and a web server behind every address."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from vigil.local.servers.redis import LocalRedis, prepare

#: The answers to one question, by the name and by how often it was asked before.
Answers = Callable[[str, int], Sequence[str] | None]
_HEAD_MOST = 8_192


@contextlib.contextmanager
def redis_for(folder: Path, hosts: Sequence[str], port: int = 6379) -> Iterator[LocalRedis]:
    """A Redis on loopback and under the world's addresses."""
    server = prepare(folder, "a-password-of-this-scene", port)
    configuration = server.folder / "redis.conf"
    text = configuration.read_text()
    assert "bind 127.0.0.1\n" in text
    configuration.write_text(text.replace("bind 127.0.0.1\n", f"bind 127.0.0.1 {' '.join(hosts)}\n"))
    with (folder / "redis.log").open("wb") as output:
        process = subprocess.Popen(server.argv, env=server.env, stdout=output, stderr=output)
    try:
        yield server
    finally:
        process.kill()
        process.wait()


class _Names(asyncio.DatagramProtocol):
    """Answers questions for addresses; counts how often each was asked."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._asked: dict[tuple[str, int], int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        before = self._asked.get((name, question.rdtype), 0)
        self._asked[name, question.rdtype] = before + 1
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        found = self._answers(name, before)
        if found is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        wanted = [each for each in found or () if (":" in each) == (question.rdtype == dns.rdatatype.AAAA)]
        if wanted and question.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            reply.answer.append(dns.rrset.from_text(question.name, 0, "IN", question.rdtype, *wanted))
        self._transport.sendto(reply.to_wire(), address)


@contextlib.asynccontextmanager
async def names_and_pages(host: str, answers: Answers, redirects: Mapping[str, str]):  # type: ignore[no-untyped-def]
    """A name server at the host, and at port 80 of every address a web server that redirects by path."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            onward = redirects.get(head.split(b" ", 2)[1].decode("latin-1"))
            line = f"302 Found\r\nLocation: {onward}" if onward else "200 OK"
            writer.write(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Names(answers), (host, 53))
    servers = [await asyncio.start_server(serve, each, 80, limit=_HEAD_MOST) for each in ("0.0.0.0", "::")]
    try:
        yield
    finally:
        transport.close()
        for server in servers:
            server.close()


def name_server_is(host: str, folder: Path) -> None:
    """Let programs of this scene, and of no other place, ask this name server."""
    path = folder / "resolv.conf"
    path.write_text(f"nameserver {host}\n")
    subprocess.run(["mount", "--bind", str(path), os.path.realpath("/etc/resolv.conf")], check=True, timeout=20)
