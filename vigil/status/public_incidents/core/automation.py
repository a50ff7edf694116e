"""What a page says by itself of failures: when an automatic incident begins, what it takes in, when it ends. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.status.core.states import PublicImpact, RuleKind

#: How long a failure stays covered after the end of what covered it: a person says that it is over before it is.
COVER_LASTS = timedelta(minutes=5)


class AutomationReason(StrEnum):
    """Why an automatic incident changes."""

    DUE = "due"
    COVERED = "covered"
    SPREAD = "spread"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class DueRule:
    """When a failure of a component is public; `key` is its row."""

    key: int
    component: int
    kind: RuleKind
    after: timedelta
    impact: PublicImpact


@dataclass(frozen=True, slots=True)
class ComponentFailure:
    """An open incident behind a component. `ids` are the incident and the one that it is part of, `root` the latter.

    `is_held` while the monitor or the component is in maintenance.
    """

    root: int
    ids: frozenset[int]
    component: int
    kind: RuleKind
    since: datetime
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """An open public incident, with the incidents of Vigil that it is about; without components it is about all."""

    key: int
    is_automatic: bool
    components: frozenset[int] = frozenset()
    incidents: frozenset[int] = frozenset()
    impact: PublicImpact = PublicImpact.MINOR


@dataclass(frozen=True, slots=True)
class PageState:
    """A page at one moment. `known` are the incidents that it has dealt with, also where that is over or deleted.

    What another public incident covered is among them while that one is open, and for `COVER_LASTS` after.
    """

    rules: Mapping[tuple[int, RuleKind], DueRule]
    failures: Sequence[ComponentFailure] = ()
    told: Sequence[OpenAccount] = ()
    known: Collection[int] = frozenset()


@dataclass(frozen=True, slots=True)
class AutomationStep:
    """One change. `told` is the public incident that it is about; without one it begins. `rule` is the worst due."""

    reason: AutomationReason
    incident: int = 0
    told: int = 0
    rule: int = 0
    impact: PublicImpact = PublicImpact.NONE
    components: tuple[int, ...] = ()


@dataclass(slots=True)
class _Due:
    """Failures with one root whose rules say that they are public by now."""

    root: int
    ids: set[int] = field(default_factory=set)
    rules: list[DueRule] = field(default_factory=list)

    @property
    def components(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(one.component for one in self.rules))

    @property
    def worst(self) -> DueRule:
        return max(self.rules, key=lambda one: _IMPACTS.index(one.impact))

    @property
    def impact(self) -> PublicImpact:
        return self.worst.impact


_IMPACTS = list(PublicImpact)


def next_step(page: PageState, now: datetime) -> AutomationStep | None:
    """The first change that is due, or None. Each is done, and the page read again, before the next is asked for.

    An incident has one public incident on a page. Where another open one is about it, or takes something away from a
    component that it hits, that one covers it while it is open: readers see one account of one trouble. It ends when
    nothing that it is about fails.
    """
    for due in _due(page, now):
        about = [one for one in page.told if one.incidents & due.ids]
        if due.root in page.known or about:
            step = _spread(due, about, page)
            cover = next((one for one in about if one.impact is not PublicImpact.NONE), None)
            if step is None and cover is not None and due.root not in page.known:
                step = AutomationStep(AutomationReason.COVERED, due.root, cover.key)
        else:
            covering = next((one for one in page.told if _covers(one, due)), None)
            if covering is not None:
                step = AutomationStep(AutomationReason.COVERED, due.root, covering.key)
            else:
                step = AutomationStep(AutomationReason.DUE, due.root, 0, due.worst.key, due.impact, due.components)
        if step is not None:
            return step
    over = next((one for one in page.told if one.is_automatic and not _lasts(one, page)), None)
    return None if over is None else AutomationStep(AutomationReason.RECOVERED, told=over.key)


def _due(page: PageState, now: datetime) -> list[_Due]:
    found: dict[int, _Due] = {}
    for one in sorted(page.failures, key=lambda each: (each.since, each.root, each.component)):
        rule = page.rules.get((one.component, one.kind))
        if rule is not None and not one.is_held and now - one.since >= rule.after:
            due = found.setdefault(one.root, _Due(one.root))
            due.ids |= one.ids
            due.rules.append(rule)
    return list(found.values())


def _covers(one: OpenAccount, due: _Due) -> bool:
    """A notice that takes nothing away, such as that of a price, says nothing of a failure."""
    is_about = not one.components or bool(one.components.intersection(due.components))
    return is_about and one.impact is not PublicImpact.NONE


def _spread(due: _Due, about: Sequence[OpenAccount], page: PageState) -> AutomationStep | None:
    """What an automatic incident about it does not name yet, nor any other one."""
    own = next((one for one in about if one.is_automatic), None)
    if own is None:
        return None
    named = {component for one in page.told for component in one.components}
    more = tuple(one for one in due.components if one not in named)
    impact = max(own.impact, due.impact, key=_IMPACTS.index)
    if not more and impact is own.impact:
        return None
    return AutomationStep(AutomationReason.SPREAD, due.root, own.key, due.worst.key, impact, more)


def _lasts(one: OpenAccount, page: PageState) -> bool:
    return any(failure.ids & one.incidents and failure.component in one.components for failure in page.failures)
