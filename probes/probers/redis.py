"""Redis prober: PING, after AUTH when there is a password; a port can be open while the data still loads."""

from __future__ import annotations

from collections.abc import Mapping

from probes.net.failures import ProtocolBroken
from probes.net.stream import Endpoint, Stream, open_stream
from probes.net.targets import parse_host
from probes.prober import Observation, ProbeContext, Prober, SpecError
from probes.reasons import Reason, Status
from probes.specs.endpoint import validate_endpoint
from probes.specs.login import LOGIN_MOST, PASSWORD, USERNAME, login_of
from probes.specs.tls import TlsFields, server_name_of, tls_options_of, validate_tls

#: Start of an error line -> what it means; in our words, since the server's may repeat what was sent.
_ERRORS: tuple[tuple[bytes, Status, Reason, str], ...] = (
    (b"-LOADING", Status.DEGRADED, Reason.LOADING, "it still loads its data into memory"),
    (b"-NOAUTH", Status.DOWN, Reason.AUTH, "it asks for a password"),
    (b"-WRONGPASS", Status.DOWN, Reason.AUTH, "it refuses the password"),
    (b"-NOPERM", Status.DOWN, Reason.AUTH, "the user may not send PING"),
    (b"-ERR invalid password", Status.DOWN, Reason.AUTH, "it refuses the password"),
    (b"-ERR wrong number", Status.DOWN, Reason.AUTH, "it knows no users (before Redis 6): leave the user out"),
    (b"-ERR AUTH", Status.DOWN, Reason.AUTH, "it has no password, and one was given"),
    (b"-ERR Client sent AUTH", Status.DOWN, Reason.AUTH, "it has no password, and one was given"),
    (b"-ERR max number of clients", Status.DEGRADED, Reason.OVERLOADED, "it has as many clients as it takes"),
    (b"-MASTERDOWN", Status.DEGRADED, Reason.VALUE_MISMATCH, "a replica that has lost its master"),
    (b"-MISCONF", Status.DEGRADED, Reason.VALUE_MISMATCH, "it refuses writes, since it cannot save its data"),
    (b"-BUSY", Status.DEGRADED, Reason.BUSY, "a script blocks it"),
    (b"-DENIED", Status.DOWN, Reason.CONFIG, "its protected mode refuses connections from elsewhere"),
)
#: Errors of a login that another reading of the password may not have.
_WRONG = (b"-WRONGPASS", b"-ERR wrong number", b"-ERR invalid password")


class RedisSpec(TlsFields, frozen=True, kw_only=True):
    """Send PING to `host` at `port`, with TLS when `tls` is set.

    Secrets: `password` and, for a user of the access list, `username`. Without `username`, the password may be written
    "user:password" (split at the first colon; ":password" for none) or as the address redis://user:password@host.
    """

    host: str
    port: int = 6379
    tls: bool = False


def validate(spec: RedisSpec) -> None:
    validate_endpoint(spec.host, spec.port, ())
    validate_tls(spec)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    for name, value in secrets.items():
        if name not in (USERNAME, PASSWORD):
            raise SpecError("secrets", f"{name[:40]!r} is not {PASSWORD} or {USERNAME}")
        if len(value) > LOGIN_MOST:
            raise SpecError(f"secrets.{name}", f"is longer than {LOGIN_MOST} characters")
    if USERNAME in secrets and PASSWORD not in secrets:
        raise SpecError("secrets", f"{USERNAME} comes with {PASSWORD}")


async def probe(spec: RedisSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Authenticate when there is a password, and send PING."""
    host = parse_host(spec.host)[0]
    endpoint = Endpoint(
        host, spec.port, tls_options_of(spec, secrets, "") if spec.tls else None, server_name_of(spec, host)
    )
    async with open_stream(context.dialer, endpoint, context.trace) as stream:
        context.trace.begin("first_byte")
        reply = await _ping(stream, secrets)
        context.trace.answered()
    status, reason, detail = _meaning(reply)
    return Observation(status, reason, context.trace.phases(), 0, detail, {"address": context.trace.address})


async def _ping(stream: Stream, secrets: Mapping[str, str]) -> bytes:
    """The answer to PING, or the error that answers AUTH."""
    login = login_of(secrets)
    if login is not None:
        admitted = await _authenticated(stream, *([login.user] if login.user else []), login.password)
        if admitted.startswith(_WRONG) and login.whole is not None:
            # What looks like user:password may be a password with a colon.
            whole = await _authenticated(stream, login.whole)
            admitted = whole if whole.startswith(b"+OK") else admitted
        if not admitted.startswith(b"+OK"):
            return admitted
    stream.send(_command("PING"))
    return await stream.until(b"\r\n")


async def _authenticated(stream: Stream, *words: str) -> bytes:
    stream.send(_command("AUTH", *words))
    return await stream.until(b"\r\n")


def _command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def _meaning(reply: bytes) -> tuple[Status, Reason, str]:
    if reply.startswith(b"+PONG"):
        return Status.UP, Reason.OK, ""
    for beginning, status, reason, words in _ERRORS:
        if reply.startswith(beginning):
            return status, reason, f"{beginning.decode()[1:]}: {words}"
    if reply.startswith(b"-"):
        return Status.DOWN, Reason.VALUE_MISMATCH, "it answers PING with an error"
    raise ProtocolBroken("the answer to PING is not Redis'")


PROBER = Prober(RedisSpec, validate, validate_secrets, probe)
