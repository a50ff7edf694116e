"""Messages of `grpc.health.v1.Health/Check`, encoded and decoded by hand. Pure.

Fields that this code does not know are passed over, as protocol buffers want it.
"""

from __future__ import annotations

import struct

SERVING, SERVICE_UNKNOWN = 1, 3
STATUS_NAMES = {0: "UNKNOWN", SERVING: "SERVING", 2: "NOT_SERVING", SERVICE_UNKNOWN: "SERVICE_UNKNOWN"}
_HEAD = 5
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_STATUS_FIELD = 1


class BadMessage(ValueError):
    """The bytes are no answer to a health check; the text says why."""


def request(service: str) -> bytes:
    """A HealthCheckRequest in its gRPC frame: field 1 is the service's name."""
    name = service.encode()
    message = b"\x0a" + _encoded(len(name)) + name if name else b""
    return b"\x00" + struct.pack(">I", len(message)) + message


def serving_status(body: bytes, encoding: str) -> int:
    """The serving status in a HealthCheckResponse in its gRPC frame; raises BadMessage."""
    if len(body) < _HEAD:
        raise BadMessage("the answer holds no gRPC message")
    if body[0] == 1:
        raise BadMessage(f"the answer is compressed ({encoding[:20] or 'by no name'}), which was not offered")
    if body[0] != 0 or struct.unpack(">I", body[1:_HEAD])[0] != len(body) - _HEAD:
        raise BadMessage("the answer is not one gRPC message")
    return _status(body[_HEAD:])


def _status(message: bytes) -> int:
    """The last value of field 1, 0 without one; raises BadMessage."""
    status, offset = 0, 0
    try:
        while offset < len(message):
            tag, offset = _decoded(message, offset)
            number, kind = tag >> 3, tag & 7
            if kind == _VARINT:
                value, offset = _decoded(message, offset)
                status = value if number == _STATUS_FIELD else status
            elif number in (0, _STATUS_FIELD) or kind not in (_EIGHT, _LENGTH, _FOUR):
                raise BadMessage("the answer is no HealthCheckResponse")
            elif kind == _LENGTH:
                length, offset = _decoded(message, offset)
                offset += length
            else:
                offset += 8 if kind == _EIGHT else 4
    except IndexError:
        raise BadMessage("the answer is no HealthCheckResponse: it is cut") from None
    if offset != len(message):
        raise BadMessage("the answer is no HealthCheckResponse: it is cut")
    return status


def _encoded(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])


def _decoded(data: bytes, offset: int) -> tuple[int, int]:
    """A number of up to ten bytes, and the offset after it."""
    number = 0
    for shift in range(0, 70, 7):
        byte = data[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 128:
            return number, offset
    raise BadMessage("the answer is no HealthCheckResponse: a number without an end")
