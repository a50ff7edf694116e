"""List of quarantined regions as Redis holds it: complete, of now, and written by the control plane. Pure.

The field `*` holds the MAC of all others, so that none can be added, changed or left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from consensus.admission import admit_quarantines
from consensus.verdicts import Quarantine, encode
from probes import keys
from probes.signing.control_macs import ControlMacs

#: The leader of consensus writes the list every second; an older one is none.
AGE_MOST_MS = 60_000


def quarantine_fields(macs: ControlMacs, quarantines: Iterable[Quarantine], now_ms: int) -> dict[bytes, bytes]:
    """The fields of the hash, with the mark."""
    fields = {one.region.encode(): encode(one) for one in quarantines}
    return {**fields, keys.QUARANTINED_MARK: macs.mac(keys.QUARANTINED, _together(fields), now_ms)}


def read_quarantines(
    macs: ControlMacs, fields: Mapping[bytes, bytes], now_ms: int, age_most_ms: int = AGE_MOST_MS
) -> list[Quarantine] | None:
    """The quarantines of these fields; None where they are not complete, not of now, or not the control plane's."""
    held = dict(fields)
    mac = held.pop(keys.QUARANTINED_MARK, None)
    if mac is None or macs.refusal(keys.QUARANTINED, _together(held), mac, now_ms, age_most_ms) is not None:
        return None
    return admit_quarantines(held.values())


def _together(fields: Mapping[bytes, bytes]) -> bytes:
    return msgspec.msgpack.encode(sorted(fields.items()))
