"""Orders of the control plane as a worker takes them: signed, for this region, of now, and once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec
import structlog

from probes import keys, wire
from probes.process.refusals import Refusals
from probes.reasons import Refusal
from probes.signing.envelope import split_value
from probes.signing.signatures import TrustedKeys
from probes.wire import Batch, SignedBatch

_log = structlog.get_logger(__name__)


class OrderAdmission:
    """Admits what the control plane signed for this region. For any thread; `now_ms` is the clock of Redis."""

    def __init__(self, region: str, control_keys: tuple[bytes, ...], now_ms: Callable[[], int]) -> None:
        self._region = region
        self._trusted = TrustedKeys(control_keys)
        self._now_ms = now_ms
        self._refused: Counter[Refusal] = Counter()
        self._untold = Refusals(time.monotonic)
        self._lock = threading.Lock()

    @property
    def refused(self) -> Mapping[str, int]:
        """Orders that were refused since this worker began, by cause."""
        with self._lock:
            return {cause.value: count for cause, count in self._refused.items()}

    def admit(self, payload: object, envelope: object) -> Batch | None:
        """The batch of a message of the queue; None where it is refused, which is counted."""
        if not isinstance(payload, bytes) or not isinstance(envelope, bytes):
            self._refuse(Refusal.MALFORMED)
            return None
        return self._read(payload, self._refusal(payload, envelope) or self._trusted.take(envelope))

    def admit_told(self, told: SignedBatch) -> Batch | None:
        """A batch that another worker of the region took from the queue; None where it is refused, which is counted.

        It is no replay: to know it again changes nothing, and it may yet come from the queue. One that is over was
        told by a worker that has ended, and is not counted.
        """
        refusal = self._refusal(told.payload, told.envelope)
        return None if refusal is Refusal.EXPIRED else self._read(told.payload, refusal)

    def _refusal(self, payload: bytes, envelope: bytes) -> Refusal | None:
        return self._trusted.refusal(keys.orders(self._region), payload, envelope, self._now_ms())

    def _read(self, payload: bytes, refusal: Refusal | None) -> Batch | None:
        if refusal is not None:
            self._refuse(refusal)
            return None
        try:
            batch = wire.decode_batch(payload)
        except msgspec.DecodeError:
            self._refuse(Refusal.UNREADABLE)
            return None
        if batch.region == self._region:
            return batch
        self._refuse(Refusal.WRONG_PLACE)
        return None

    def verified(self, name: str, value: bytes) -> bytes | None:
        """What the control plane wrote to a key of Redis, or a field; None where it is another's, which is counted.

        One that is over is none as well. It is not counted: that is how a silent control plane looks.
        """
        envelope, body = split_value(value)
        refusal = self._trusted.refusal(name, body, envelope, self._now_ms())
        if refusal is None:
            return body
        if refusal is not Refusal.EXPIRED:
            self._refuse(refusal)
        return None

    def _refuse(self, cause: Refusal) -> None:
        with self._lock:
            self._refused[cause] += 1
            self._untold.add("orders", {cause: 1})
            self._untold.tell()
