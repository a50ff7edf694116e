"""Registry of probers by kind, and the codec of specs: from configuration to bytes to struct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from probes.message_decoder import MessageDecoder
from probes.prober import Observation, ProbeContext, Prober, SpecCode, SpecError
from probes.probers import (
    canary,
    dns,
    domain,
    grpc,
    http,
    icmp,
    mcp,
    postgresql,
    redis,
    saturation,
    tcp,
    tls,
    websocket,
)
from probes.specs.family import validate_family

__all__ = [
    "PROBERS",
    "Observation",
    "ProbeContext",
    "Prober",
    "SpecError",
    "decode_spec",
    "encode_spec",
    "parse_spec",
    "read_spec",
    "validate_secrets",
]

#: Largest encoded spec (bytes): thousands of them wait in a worker.
SPEC_MOST = 131_072
#: Larger ones go into the smaller cache.
_SMALL = 1_024
#: What msgspec says of a value of another type, unlike of one that is out of bounds.
_OF_ANOTHER_TYPE = re.compile(r"Expected `[^`]+`, got `")

PROBERS: dict[str, Prober] = {
    "canary": canary.PROBER,
    "dns": dns.PROBER,
    "domain": domain.PROBER,
    "grpc": grpc.PROBER,
    "http": http.PROBER,
    "icmp": icmp.PROBER,
    "mcp": mcp.PROBER,
    "postgresql": postgresql.PROBER,
    "redis": redis.PROBER,
    "saturation": saturation.PROBER,
    "tcp": tcp.PROBER,
    "tls": tls.PROBER,
    "websocket": websocket.PROBER,
}


def parse_spec(kind: str, config: Mapping[str, object]) -> msgspec.Struct:
    """The spec that a configuration (as from JSON) describes; raises SpecError with one line for people."""
    spec = read_spec(kind, config)
    try:
        _prober(kind).validate(spec)
        validate_family(spec)
        size = len(encode_spec(spec))
    except UnicodeEncodeError:
        raise SpecError("config", "holds half a character, which cannot be sent") from None
    except OverflowError:
        raise SpecError("config", "holds a number that is too large") from None
    if size > SPEC_MOST:
        raise SpecError("config", f"is larger than {SPEC_MOST // 1024} KiB")
    return spec


def read_spec(kind: str, config: Mapping[str, object]) -> msgspec.Struct:
    """The spec of a saved configuration. Only its types are checked, which is ten times as fast: it was validated when
    it was saved, and the worker validates it again. Raises SpecError."""
    try:
        return msgspec.convert(dict(config), _prober(kind).spec)
    except msgspec.ValidationError as error:
        raise _spec_error(str(error), kind) from None
    except UnicodeEncodeError:
        raise SpecError("config", "holds half a character, which cannot be sent") from None
    except RecursionError:
        raise SpecError("config", "is nested too deeply") from None


def validate_secrets(kind: str, secrets: Mapping[str, str]) -> None:
    """Refuse secrets that the kind does not know or cannot send; raises SpecError, which never quotes a value."""
    for name, value in secrets.items():
        if not (name + value).isascii() and not _is_text(name + value):
            raise SpecError("secrets", "one holds half a character, which cannot be sent")
    _prober(kind).validate_secrets(secrets)


def encode_spec(spec: msgspec.Struct) -> bytes:
    """A spec as it travels in `Check.spec`."""
    return msgspec.msgpack.encode(spec)


def decode_spec(kind: str, encoded: bytes) -> tuple[Prober, msgspec.Struct]:
    """The prober and the validated spec of a check; raises SpecError. Cached, since checks repeat their spec."""
    return _decoded_small(kind, encoded) if len(encoded) <= _SMALL else _decoded_large(kind, encoded)


def _decoded(kind: str, encoded: bytes) -> tuple[Prober, msgspec.Struct]:
    prober = _prober(kind)
    try:
        spec: msgspec.Struct = MessageDecoder[msgspec.Struct](prober.spec, 4 * SPEC_MOST)(encoded)
    except msgspec.DecodeError as error:
        raise _spec_error(str(error), kind) from None
    prober.validate(spec)
    return prober, spec


_decoded_small = lru_cache(maxsize=16_384)(_decoded)
_decoded_large = lru_cache(maxsize=128)(_decoded)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _prober(kind: str) -> Prober:
    prober = PROBERS.get(kind)
    if prober is None:
        raise SpecError("kind", f"{kind[:40]!r} is not one of {', '.join(sorted(PROBERS))}", SpecCode.UNKNOWN_CHOICE)
    return prober


def _spec_error(message: str, kind: str) -> SpecError:
    """msgspec names the field after ` - at `, as in `Expected `int`, got `str` - at `$.port``."""
    problem, _, path = message.partition(" - at ")
    field = path.strip("`").removeprefix("$").lstrip(".") or "config"
    code = SpecCode.WRONG_TYPE if _OF_ANOTHER_TYPE.match(problem) else SpecCode.INVALID
    if "missing required field" in problem or "unknown field" in problem:
        name = problem.rsplit("`", 2)[-2]
        if "missing" in problem:
            problem, code = "is required", SpecCode.REQUIRED
        elif path:
            problem, code = "is not known here", SpecCode.UNKNOWN_FIELD
        else:
            names = sorted(each.name for each in msgspec.structs.fields(_prober(kind).spec))
            problem, code = f"is not a field of {kind}, which takes {', '.join(names)}", SpecCode.UNKNOWN_FIELD
        field = f"{field}.{name}" if path else name
    return SpecError(field, problem, code)
