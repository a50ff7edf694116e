"""PostgreSQL prober: the startup message, and with a password the login and an empty query.

Without a password it stops where the server asks for one: that tells a healthy server from one that starts or is full,
and says nothing of the database, of reserved connections, or of what is behind a pooler.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets as random
import struct
from collections.abc import Mapping

from probes.net.failures import Failure, ProtocolBroken
from probes.net.guard import Egress, refusal
from probes.net.postgresql import messages
from probes.net.postgresql.messages import Meaning
from probes.net.postgresql.scram import MECHANISM, ScramClient, ScramError
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import parse_host
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import validate_endpoint
from probes.specs.login import LOGIN_MOST, PASSWORD, USERNAME, login_of
from probes.specs.tls import (
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    TlsFields,
    server_name_of,
    tls_options_of,
    validate_identity,
    validate_tls,
)
from probes.wire import Fact

_MESSAGE_MOST = 16_384
#: Messages between the startup and the first "ready".
_MESSAGES_MOST = 100
_NAME_MOST = 63
_FAREWELL_S = 0.5
_SECRETS = (USERNAME, PASSWORD, CLIENT_CERTIFICATE, CLIENT_KEY)
_FIRST = (b"R", b"E", b"v")
_KINDS = (*_FIRST, b"S", b"K", b"N", b"Z", b"I", b"C", b"T", b"D")


class PostgresqlSpec(TlsFields, frozen=True, kw_only=True):
    """Ask `host` at `port` for a connection of `user` to `database`, over TLS when `tls` is set.

    With the secret `password` it logs in and sends an empty query: only that sees whether the database is there,
    whether its users get a connection, and whether a pooler reaches its server. Without it the check ends where the
    server asks for the password. The password is taken as it is, or from postgresql://user:password@host. Other
    secrets: `username`, in place of `user`; `client_certificate` with `client_key` (PEM).
    """

    host: str
    port: int = 5432
    tls: bool = False
    user: str = "vigil"
    database: str = "postgres"


class _Refused(Failure):
    """The server refused: status, reason and words."""

    def __init__(self, meaning: Meaning) -> None:
        self.status, self.reason, words = meaning
        super().__init__(words)


def validate(spec: PostgresqlSpec) -> None:
    validate_endpoint(spec.host, spec.port, ())
    for field in ("user", "database"):
        value = getattr(spec, field)
        if not 1 <= len(value) <= _NAME_MOST or not value.isprintable():
            raise SpecError(field, f"has 1 to {_NAME_MOST} printable characters")
    validate_tls(spec)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    for name, value in secrets.items():
        if name not in _SECRETS:
            raise SpecError("secrets", f"{name[:40]!r} is not one of {', '.join(_SECRETS)}")
        if name in (USERNAME, PASSWORD) and (not 1 <= len(value) <= LOGIN_MOST or "\x00" in value):
            raise SpecError(f"secrets.{name}", f"has 1 to {LOGIN_MOST} characters, and no NUL among them")
    if USERNAME in secrets and PASSWORD not in secrets:
        raise SpecError("secrets", f"{USERNAME} comes with {PASSWORD}")
    validate_identity(secrets)


async def probe(spec: PostgresqlSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Ask for a connection, log in with a password if there is one, and leave without a word in the server's log."""
    facts: dict[str, Fact] = {}
    meaning: Meaning = (Status.UP, Reason.OK, "")
    try:
        async with open_stream(context.dialer, Endpoint(parse_host(spec.host)[0], spec.port), context.trace) as stream:
            if spec.tls:
                await _secure(spec, secrets, stream)
                facts["tls"] = (stream.tls.version() if stream.tls else None) or ""
            context.trace.begin("first_byte")
            await _Session(_login(spec, secrets), context, stream, facts).run(spec.database)
    except (_Refused, UnverifiedCertificate) as error:
        meaning = error.status, error.reason, str(error)
    facts["address"] = context.trace.address
    status, reason, detail = meaning
    return Observation(status, reason, context.trace.phases(), 0, printable(detail), facts)


#: The user, and the password if there is one.
_Identity = tuple[str, str | None]


def _login(spec: PostgresqlSpec, secrets: Mapping[str, str]) -> _Identity:
    """A colon in the password alone is no mark of a user: that has a field of its own."""
    if PASSWORD not in secrets:
        return spec.user, None
    login = login_of({USERNAME: "", **secrets})
    assert login is not None
    return login.user or spec.user, login.password


async def _secure(spec: PostgresqlSpec, secrets: Mapping[str, str], stream: Stream) -> None:
    stream.send(messages.SSL_REQUEST)
    answer = await stream.take(1)
    if answer == b"N":
        raise _Refused((Status.DOWN, Reason.CONFIG, "it speaks no TLS: switch it on there, or `tls` off here"))
    if answer != b"S":
        raise ProtocolBroken("the answer is not PostgreSQL's")
    host = parse_host(spec.host)[0]
    await stream.secure(tls_options_of(spec, secrets, "postgresql"), server_name_of(spec, host))


class _Session:
    """One connection from the startup message on."""

    def __init__(self, login: _Identity, context: ProbeContext, stream: Stream, facts: dict[str, Fact]) -> None:
        self._user, self._password = login
        self._trace = context.trace
        self._stream = stream
        self._facts = facts

    async def run(self, database: str) -> None:
        """Come as far as the password allows; raises _Refused and ProtocolBroken."""
        self._stream.send(messages.startup(self._user, database))
        kind, body = await self._next(_FIRST)
        self._trace.answered()
        while kind == b"v":
            kind, body = await self._next(_FIRST)
        if self._password is not None or _number(body) == messages.ADMITTED:
            # A pooler asks for the password by itself, and then waits for a connection of its server.
            self._trace.at_deadline = lambda: (
                Status.DOWN,
                Reason.TIMEOUT,
                "it takes the login and gives no session in time: does the pooler reach its server?",
            )
        if not await self._admitted(body):
            # A client that sends anything here is in the server's log.
            self._facts["login"] = "not tried: the server asks for a password"
            return
        await self._until_ready()
        self._stream.send(messages.EMPTY_QUERY)
        await self._until_ready()
        self._stream.send(messages.TERMINATE)
        with contextlib.suppress(OSError, Failure):
            # Until it has heard that: a connection that is reset has a line in the log.
            async with asyncio.timeout(_FAREWELL_S):
                await self._stream.more()

    async def _admitted(self, body: bytes) -> bool:
        """Prove the password; False where one is asked for and there is none."""
        number = _number(body)
        if number == messages.ADMITTED:
            self._facts["login"] = "no password asked"
            return True
        if self._password is None:
            return False
        if number == messages.SASL:
            await self._scram(self._password, messages.mechanisms(body[4:]))
        elif number == messages.MD5:
            self._facts["login"] = "md5"
            self._stream.send(messages.password(messages.md5_answer(self._user, self._password, body[4:8])))
        elif number == messages.CLEAR_TEXT:
            self._facts["login"] = "clear text"
            self._check_secrecy()
            self._stream.send(messages.password(self._password.encode()))
        else:
            raise _Refused((Status.DOWN, Reason.CONFIG, "it asks for a login that is none by password (GSS, SSPI)"))
        _, body = await self._next((b"R",))
        if _number(body) != messages.ADMITTED:
            raise ProtocolBroken("the login does not end as PostgreSQL's does")
        return True

    def _check_secrecy(self) -> None:
        if self._stream.tls is None and refusal(self._trace.address, Egress.PUBLIC) is None:
            words = "it asks for the password in clear text, which is not sent over the internet without `tls`"
            raise _Refused((Status.DOWN, Reason.CONFIG, words))

    async def _scram(self, password: str, offered: list[str]) -> None:
        if MECHANISM not in offered:
            raise _Refused((Status.DOWN, Reason.CONFIG, f"it does not offer {MECHANISM}"))
        self._facts["login"] = MECHANISM
        client = ScramClient(password, random.token_bytes(18))
        self._stream.send(messages.sasl_initial(MECHANISM, client.first()))
        try:
            _, body = await self._next((b"R",))
            if _number(body) != messages.SASL_CONTINUE:
                raise ScramError("no challenge")
            self._stream.send(messages.message(b"p", await asyncio.to_thread(client.final, body[4:])))
            _, body = await self._next((b"R",))
            client.verify(body[4:])
        except ScramError as error:
            raise ProtocolBroken(f"the login by {MECHANISM} breaks off: {error}") from None

    async def _until_ready(self) -> None:
        for _ in range(_MESSAGES_MOST):
            kind, body = await self._next(_KINDS)
            if kind == b"Z":
                return
            if kind == b"S":
                self._learn(body)
        raise ProtocolBroken("the server does not become ready")

    def _learn(self, body: bytes) -> None:
        name, _, value = body.rstrip(b"\x00").partition(b"\x00")
        if name == b"server_version":
            self._facts["server_version"] = printable(value.decode("utf-8", "replace"))[:40]
        elif name == b"in_hot_standby":
            self._facts["replica"] = value == b"on"

    async def _next(self, kinds: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        """The next message; raises _Refused for an error."""
        head = await self._stream.take(5)
        kind, length = head[:1], struct.unpack("!i", head[1:])[0] - 4
        if kind not in (*kinds, b"E") or not 0 <= length <= _MESSAGE_MOST:
            raise ProtocolBroken("the answer is not PostgreSQL's")
        body = await self._stream.take(length)
        if kind == b"E":
            meaning = messages.refused(body, with_login=self._password is not None)
            raise _Refused(meaning)
        return kind, body


def _number(body: bytes) -> int:
    if len(body) < 4:
        raise ProtocolBroken("the answer is not PostgreSQL's")
    return int(struct.unpack("!i", body[:4])[0])


PROBER = Prober(PostgresqlSpec, validate, validate_secrets, probe)
