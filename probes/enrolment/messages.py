"""Messages of enrolment, JSON over HTTPS: what a worker sends with its code, and what it gets. Pure."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

#: Path of the control plane that takes a code.
PATH: Final = "/enrol"
REQUEST_BYTES_MOST, ANSWER_BYTES_MOST = 4_096, 256 * 1024
ENROLMENT_VERSION: Final = 1

_PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code and the public halves of the worker's keys; 32 bytes each, base64 in JSON."""

    v: int
    code: Annotated[str, Meta(max_length=100)]
    sealing_key: _PublicKey
    signing_key: _PublicKey

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
