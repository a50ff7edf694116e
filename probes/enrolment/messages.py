"""Messages of enrolment, JSON over HTTPS: what a worker sends with its code, and what it gets. Pure.

A worker signs its request with the key that it names, so no public key of another can be enrolled. The signature covers
the code too: with another code it proves nothing.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta

from probes.signing.private_keys import SigningKey

#: Path of the control plane that takes a code.
PATH: Final = "/enrol"
REQUEST_BYTES_MOST, ANSWER_BYTES_MOST = 4_096, 256 * 1024
ENROLMENT_VERSION: Final = 2

_CONTEXT: Final = b"vigil enrolment\0"
_PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code, the public halves of the worker's keys, 32 bytes each, and the proof that it has them; base64 in JSON."""

    v: int
    code: Annotated[str, Meta(max_length=100)]
    sealing_key: _PublicKey
    signing_key: _PublicKey
    proof: Annotated[bytes, Meta(min_length=64, max_length=64)]

    def __repr__(self) -> str:
        return "EnrolmentRequest(***)"


class EnrolmentAnswer(msgspec.Struct, frozen=True):
    """What a worker gets: its region, its own Redis user in `redis_url`, and whose orders it takes.

    `redis_ca` is a certificate in PEM, or empty. `control_keys` are base64, separated by commas. `revision` counts the
    enrolments of the region.
    """

    v: int
    region: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    redis_url: Annotated[str, Meta(max_length=2_000)]
    redis_ca: Annotated[str, Meta(max_length=100_000)] = ""
    control_keys: Annotated[str, Meta(max_length=10_000)] = ""
    revision: Annotated[int, Meta(ge=1)] = 1

    def __repr__(self) -> str:
        return "EnrolmentAnswer(***)"


class EnrolmentRefusal(msgspec.Struct, frozen=True):
    """Why a code is not taken, in one sentence for people."""

    problem: Annotated[str, Meta(max_length=500)]


def enrolment_request(code: str, sealing: bytes, signing: SigningKey) -> EnrolmentRequest:
    """The request of a worker with this code and these keys."""
    proof = signing.private.sign(_proven(code, sealing, signing.public))
    return EnrolmentRequest(ENROLMENT_VERSION, code, sealing, signing.public, proof)


def is_proven(request: EnrolmentRequest) -> bool:
    """Whether the sender of a request has the private key of its signing key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(request.signing_key)
        key.verify(request.proof, _proven(request.code, request.sealing_key, request.signing_key))
    except (InvalidSignature, ValueError):
        return False
    return True


def _proven(code: str, sealing: bytes, signing: bytes) -> bytes:
    # Keys have one length, so that the end is the code and nothing else.
    return _CONTEXT + sealing + signing + code.encode("utf-8", "surrogatepass")
