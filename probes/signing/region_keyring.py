"""The regions' public keys as the control plane publishes them, and what of the regions' messages is taken. Pure.

Consensus has no database: it reads the keys from Redis, with a MAC that only the control plane can make. An older list
does not replace a newer one, and one that is old is not begun with: a key that was revoked stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from probes import keys, wire
from probes.admission import Admitted, admit_results
from probes.message_decoder import Count, Instant, MessageDecoder, Name
from probes.reasons import Refusal
from probes.signing.control_macs import MAC_BYTES, ControlMacs
from probes.signing.envelope import SKEW_MS
from probes.signing.private_keys import KeyUnusable
from probes.signing.signatures import TrustedKeys

#: The published list is written anew every few seconds, and is not begun with when it is older than this.
LIST_AGE_MOST_MS = 600_000
#: What regions write is read within this time (s), also by a recorder that was away.
RESULTS_LIFE_S = 2 * 86_400
STATUS_LIFE_S = 60

PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]


class RegionKeyList(msgspec.Struct, frozen=True, array_like=True):
    """The public signing keys of every region; two of one while its key is changed."""

    v: Count
    at_ms: Instant
    regions: dict[Name, Annotated[list[PublicKey], Meta(max_length=8)]]


_encode = msgspec.msgpack.Encoder(order="sorted").encode
_decode: MessageDecoder[RegionKeyList] = MessageDecoder(RegionKeyList, 16 * 1024 * 1024)


def published(macs: ControlMacs, regions: Mapping[str, list[bytes]], now_ms: int) -> bytes:
    """The list of keys as it is written to Redis."""
    return macs.value(keys.REGION_KEYS, _encode(RegionKeyList(1, now_ms, dict(regions))), now_ms)


class RegionKeyring:
    """Keys of all regions. It takes nothing until it has `learn`ed them."""

    def __init__(self, macs: ControlMacs) -> None:
        self.macs = macs
        self._at_ms = -1
        self._regions: dict[str, tuple[list[bytes], TrustedKeys]] = {}

    @property
    def is_known(self) -> bool:
        """Whether a list was taken."""
        return self._at_ms >= 0

    @property
    def regions(self) -> list[str]:
        """The regions that have a key."""
        return list(self._regions)

    def learn(self, value: bytes | None, now_ms: int) -> Refusal | None:
        """Take the list as Redis has it; None where it was taken, or is not there."""
        if not value:
            return None
        if self._at_ms > now_ms + SKEW_MS:
            # The clock was put right: begin anew, or no later list would count until that time.
            self._at_ms = -1
        age_most_ms = LIST_AGE_MOST_MS if self._at_ms < 0 else None
        body = self.macs.body(keys.REGION_KEYS, value, now_ms, age_most_ms)
        if isinstance(body, Refusal):
            return body
        try:
            listed = _decode(body)
        except msgspec.DecodeError:
            return Refusal.UNREADABLE
        if listed.at_ms > self._at_ms:
            self._at_ms = listed.at_ms
            self._regions = {region: self._trusted(region, publics) for region, publics in listed.regions.items()}
        return None

    def refusal(
        self, region: str, place: str, signed: tuple[bytes, bytes], now_ms: int, age_most_ms: int | None = None
    ) -> Refusal | None:
        """Why a body with its envelope is not that region's; None where it is.

        The control plane may speak for a region: an operator replays what failed.
        """
        body, envelope = signed
        if len(envelope) == MAC_BYTES:
            return self.macs.refusal(place, body, envelope, now_ms, age_most_ms)
        if not envelope:
            return Refusal.UNSIGNED
        _, trusted = self._regions.get(region, (None, None))
        if trusted is None:
            return Refusal.UNKNOWN_KEY
        return trusted.refusal(place, body, envelope, now_ms, age_most_ms)

    def admit_results(
        self,
        region: str,
        fields: Mapping[bytes, bytes],
        now_ms: int,
        age_most_ms: int | None = None,
        admit: Callable[[bytes, int], Admitted] = admit_results,
    ) -> Admitted:
        """Admit the results of one entry of a region's stream: signed, and fit to be stored, as `admit` says.

        With an age an entry counts once; without one it may be read again, by who stores a result under its slot.
        """
        body, envelope = fields.get(keys.BODY, b""), fields.get(keys.ENVELOPE, b"")
        refusal = Refusal.OVERSIZED if len(body) > wire.ENTRY_BYTES_MOST else None
        refusal = refusal or self.refusal(region, keys.results(region), (body, envelope), now_ms, age_most_ms)
        if refusal is not None:
            return Admitted([], {refusal: 1})
        admitted = admit(body, now_ms)
        if age_most_ms is not None and len(envelope) != MAC_BYTES:
            replayed = self._regions[region][1].take(envelope)
            if replayed is not None:
                return Admitted([], {replayed: 1})
        return admitted

    def read_again(self) -> None:
        """Streams are read again from an earlier place."""
        for _, trusted in self._regions.values():
            trusted.read_again()

    def _trusted(self, region: str, publics: list[bytes]) -> tuple[list[bytes], TrustedKeys]:
        known = self._regions.get(region)
        if known is None:
            return publics, _usable(publics)
        if known[0] != publics:
            known[1].trust(publics)
        return publics, known[1]


def _usable(publics: list[bytes]) -> TrustedKeys:
    try:
        return TrustedKeys(publics)
    except KeyUnusable:
        return TrustedKeys(())
