"""Minutes lost: time in which an endpoint was of no use, split by whose fault it was and by reason. Pure.

Time is lost while down, refused (account) or degraded. Every second is counted once, whatever overlaps: the worse
state first, then what began first. Spans are half open, in whole seconds since the epoch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import pairwise

from probes.reasons import NO_VOTE_REASONS, Reason
from vigil.history.core.uptime import Span


class LossClass(StrEnum):
    """Whose fault lost time was."""

    OURS = "ours"
    THEIRS = "theirs"
    NET = "net"
    UNKNOWN = "unknown"


class LossSeverity(IntEnum):
    """How bad a lost second was; the worst counts."""

    DEGRADED = 1
    ACCOUNT = 2
    DOWN = 3


#: The key, its limits, or how we ask.
_OURS = frozenset({Reason.AUTH, Reason.QUOTA, Reason.RATE_LIMITED, Reason.CONFIG})
#: What stands in the way, whoever sees it.
_NET = frozenset({Reason.BLOCKED, Reason.GEO_BLOCKED, Reason.INTERFERED, Reason.BOT_FILTER})
#: These say nothing about the target.
_UNKNOWN = frozenset({Reason.OK, Reason.MISSED, Reason.OVERDUE, Reason.PROBE_ERROR, Reason.SKIPPED})
#: The way there, or the provider itself: it depends on how many see it.
_BY_SPREAD = frozenset(
    {
        Reason.DNS_ERROR, Reason.REFUSED, Reason.RESET, Reason.UNREACHABLE, Reason.TLS_ERROR, Reason.TIMEOUT,
        Reason.SLOW,
    }
)  # fmt: skip


def class_of(reason: Reason, seen_by: int = 2, looked: int = 2) -> LossClass:
    """Whose fault a reason is, seen by so many of the regions that looked.

    What fails on the way is the provider's where at least half of the regions see it, and the net's where fewer do; one
    region alone cannot tell.
    """
    if reason in _OURS:
        return LossClass.OURS
    if reason in _NET:
        return LossClass.NET
    if reason in _BY_SPREAD and looked < 2:
        return LossClass.UNKNOWN
    if reason in _BY_SPREAD and 2 * seen_by < looked:
        return LossClass.NET
    return LossClass.UNKNOWN if reason in _UNKNOWN else LossClass.THEIRS


@dataclass(frozen=True, slots=True)
class LostSpan:
    """Lost time of one monitor. `reason` is what its incident says; checks in it may say more."""

    start_s: int
    end_s: int
    severity: LossSeverity
    reason: Reason


@dataclass(frozen=True, slots=True)
class SeenReason:
    """One check in lost time: when, in which region, and its reason (`OK` for a pass)."""

    at_s: int
    region: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class LostPiece:
    """Lost time with one cause."""

    start_s: int
    end_s: int
    severity: LossSeverity
    cause: tuple[LossClass, Reason]


@dataclass(frozen=True, slots=True)
class LostShare:
    """Seconds with one cause, and their share of all lost ones in whole percent; shares sum to 100."""

    loss: LossClass
    reason: Reason
    seconds: int
    percent: int


@dataclass(frozen=True, slots=True)
class LostTime:
    """Lost time of a window by cause, the largest first. `counted_s`: how long anything was watched at all."""

    counted_s: int = 0
    shares: tuple[LostShare, ...] = ()
    by_severity: Mapping[LossSeverity, int] = field(default_factory=dict)

    @property
    def lost_s(self) -> int:
        return sum(share.seconds for share in self.shares)

    def of(self, loss: LossClass) -> int:
        """Seconds of one class."""
        return sum(share.seconds for share in self.shares if share.loss is loss)

    def percents(self) -> dict[LossClass, int]:
        """Share of each class in whole percent; together 100, or 0 where nothing was lost."""
        return dict(zip(LossClass, whole_percents([self.of(loss) for loss in LossClass]), strict=True))

    def availability(self, loss: LossClass) -> float | None:
        """Part of the counted time that this class did not take; None where no time counts."""
        return max(0.0, 1 - self.of(loss) / self.counted_s) if self.counted_s else None


def attributed(span: LostSpan, seen: Sequence[SeenReason]) -> list[LostPiece]:
    """A lost span cut by cause: what most failing regions last said, and the incident's reason where none looked.

    `seen` are the checks of all regions in the span, in order of time. While nobody fails any more, the last cause
    stands: the span ends when recovery is proven.
    """
    within = [one for one in seen if span.start_s <= one.at_s < span.end_s]
    latest: dict[int, Reason] = {}
    reason, run = span.reason, _Run(span.start_s)
    runs: list[tuple[Reason, _Run]] = []
    for one in within:
        if one.reason in NO_VOTE_REASONS:
            # Such a region cannot see: it neither explains the loss nor counts among those who looked.
            latest.pop(one.region, None)
        else:
            latest[one.region] = one.reason
        now = _most_said(latest, span.reason) or reason
        if now is not reason:
            if one.at_s > run.start_s:
                runs.append((reason, run))
                run = _Run(one.at_s)
            reason = now
        run.take(latest)
    runs.append((reason, run))
    ends = [run.start_s for _, run in runs[1:]] + [span.end_s]
    return [
        LostPiece(run.start_s, end_s, span.severity, (run.class_of(reason), reason))
        for (reason, run), end_s in zip(runs, ends, strict=True)
        if run.start_s < end_s
    ]


@dataclass(slots=True)
class _Run:
    """Time with one reason: which regions looked in it, and which of them said what, at any moment of it."""

    start_s: int
    looked: set[int] = field(default_factory=set)
    said: dict[Reason, set[int]] = field(default_factory=dict)

    def take(self, latest: Mapping[int, Reason]) -> None:
        """What each region said last, at one moment of it."""
        self.looked |= latest.keys()
        for region, reason in latest.items():
            self.said.setdefault(reason, set()).add(region)

    def class_of(self, reason: Reason) -> LossClass:
        return class_of(reason, len(self.said.get(reason, ())), len(self.looked)) if self.looked else class_of(reason)


def _most_said(latest: Mapping[int, Reason], incident: Reason) -> Reason | None:
    failing = Counter(reason for reason in latest.values() if reason not in _UNKNOWN)
    return min(failing, key=lambda one: (-failing[one], one is not incident, one.value)) if failing else None


def lost_time(pieces: Iterable[LostPiece], counted: Sequence[Span]) -> LostTime:
    """Add up pieces of several monitors within the counted time; `counted` is in order, without overlap."""
    seconds: Counter[tuple[LossClass, Reason]] = Counter()
    severities: Counter[LossSeverity] = Counter()
    for start_s, end_s, piece in _once(list(pieces)):
        kept = sum(max(0, min(end_s, end) - max(start_s, start)) for start, end in counted)
        if kept:
            seconds[piece.cause] += kept
            severities[piece.severity] += kept
    ordered = sorted(seconds.items(), key=lambda one: (-one[1], one[0]))
    percents = whole_percents([count for _, count in ordered])
    shares = [LostShare(*cause, count, percent) for (cause, count), percent in zip(ordered, percents, strict=True)]
    return LostTime(sum(end - start for start, end in counted), tuple(shares), dict(severities))


def _once(pieces: list[LostPiece]) -> Iterable[tuple[int, int, LostPiece]]:
    """The pieces without overlap: at each moment the worst, then the one that began first."""
    edges = sorted({edge for piece in pieces for edge in (piece.start_s, piece.end_s)})
    begins = sorted(pieces, key=lambda piece: piece.start_s)
    place, current = 0, list[LostPiece]()
    for start_s, end_s in pairwise(edges):
        while place < len(begins) and begins[place].start_s <= start_s:
            current.append(begins[place])
            place += 1
        current = [piece for piece in current if piece.end_s > start_s]
        if current:
            yield start_s, end_s, min(current, key=lambda piece: (-piece.severity, piece.start_s, piece.cause))


def whole_percents(counts: Sequence[int]) -> list[int]:
    """Shares in whole percent that sum to 100, by the largest remainder; all 0 where the sum is."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    whole = [100 * count // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda place: (-(100 * counts[place] % total), place))
    for place in by_remainder[: 100 - sum(whole)]:
        whole[place] += 1
    return whole
