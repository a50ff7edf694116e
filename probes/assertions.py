"""What a monitor may demand of an answer beyond its status: one small struct a demand, one function to judge them."""

from __future__ import annotations

import msgspec

from probes.messages import Answer
from probes.reasons import Reason, Status

_TEXT_LIMIT = 1000

#: What an assertion found against an answer: status, reason, and a text for people.
Finding = tuple[Status, Reason, str]


class BodyContains(
    msgspec.Struct, frozen=True, tag_field="type", tag="body_contains", forbid_unknown_fields=True, omit_defaults=True
):
    """The body holds `text`, or does not with `absent`."""

    text: str
    absent: bool = False

    def problem(self) -> str | None:
        if not 1 <= len(self.text) <= _TEXT_LIMIT:
            return f"`text` has 1 to {_TEXT_LIMIT} characters"
        return None

    def judge(self, answer: Answer, total_us: int) -> Finding | None:
        found = self.text.encode() in answer.body
        if found is not self.absent:
            return None
        if self.absent:
            return Status.DOWN, Reason.BODY_MISMATCH, f"the body contains {self.text[:80]!r}"
        within = f" in its first {len(answer.body)} bytes" if answer.truncated else ""
        return Status.DOWN, Reason.BODY_MISMATCH, f"the body does not contain {self.text[:80]!r}{within}"


class Latency(
    msgspec.Struct, frozen=True, tag_field="type", tag="latency", forbid_unknown_fields=True, omit_defaults=True
):
    """The whole attempt takes less than `degraded_ms`, and less than `down_ms`; 0 sets no limit."""

    degraded_ms: int = 0
    down_ms: int = 0

    def problem(self) -> str | None:
        if self.degraded_ms < 0 or self.down_ms < 0 or not (self.degraded_ms or self.down_ms):
            return "set `degraded_ms`, `down_ms` or both, in milliseconds above 0"
        if self.down_ms and self.degraded_ms >= self.down_ms:
            return "`degraded_ms` is below `down_ms`"
        return None

    def judge(self, answer: Answer, total_us: int) -> Finding | None:
        took_ms = total_us // 1000
        if self.down_ms and took_ms >= self.down_ms:
            return Status.DOWN, Reason.SLOW, f"took {took_ms} ms, the limit is {self.down_ms} ms"
        if self.degraded_ms and took_ms >= self.degraded_ms:
            return Status.DEGRADED, Reason.SLOW, f"took {took_ms} ms, more than {self.degraded_ms} ms is slow"
        return None


Assertion = BodyContains | Latency


def judge(assertions: tuple[Assertion, ...], answer: Answer, total_us: int) -> Finding | None:
    """The worst finding against an answer (DOWN before DEGRADED, then the first), or None when all hold."""
    worst: Finding | None = None
    for assertion in assertions:
        finding = assertion.judge(answer, total_us)
        if finding is not None and (worst is None or (finding[0] is Status.DOWN and worst[0] is not Status.DOWN)):
            worst = finding
    return worst
