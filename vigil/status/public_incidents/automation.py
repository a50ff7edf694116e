"""Automatic public incidents: what the rules of a page say of the incidents behind its components.

Read without a lock, and once more with the page's lock before each change: of two processes one writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import IS_FORETOLD, Incident
from vigil.read_models.team_silences import TeamSilences
from vigil.status.changes import lock_page
from vigil.status.core.languages import words_of
from vigil.status.core.states import UNDER_WAY, PublicImpact, RuleKind, UpdateState
from vigil.status.incident_models import TEXT_MOST, AutomaticPublication, PublicationRule
from vigil.status.models import PageComponent, PublicIncident, StatusPage
from vigil.status.public_incidents.changes import save_public_incident
from vigil.status.public_incidents.core.automation import (
    COVER_LASTS,
    AutomationReason,
    AutomationStep,
    ComponentFailure,
    DueRule,
    OpenAccount,
    PageState,
    next_step,
)
from vigil.status.public_incidents.core.first_words import spread_text, text_of
from vigil.status.public_incidents.updates import add_update

#: Incidents of a team that are looked through, and changes of one page in one turn.
INCIDENTS_MOST, STEPS_MOST = 2_000, 50
_KINDS = {
    IncidentKind.OUTAGE.value: RuleKind.OUTAGE,
    IncidentKind.HEARTBEAT.value: RuleKind.OUTAGE,
    IncidentKind.DEGRADED.value: RuleKind.DEGRADED,
}


@dataclass(slots=True)
class _Rows:
    """A page as it was read, and the rows behind its keys."""

    state: PageState
    components: dict[int, PageComponent]
    rules: dict[int, PublicationRule]
    told: dict[int, PublicIncident] = field(default_factory=dict)


def pages_with_rules() -> list[StatusPage]:
    """Pages with something to say by themselves, since something of their team fails, or where that is still open."""
    failing = _open_incidents().filter(team=OuterRef("team"))
    ruled = PublicationRule.objects.filter(component__page=OuterRef("pk"), enabled=True)
    begun = PublicIncident.objects.filter(page=OuterRef("pk"), is_automatic=True, resolved_at=None)
    chosen = StatusPage.objects.filter(Exists(failing) & Exists(ruled) | Exists(begun))
    return list(chosen.select_related("team").order_by("pk"))


def apply_rules(page: StatusPage, now: datetime) -> int:
    """Do what is due on a page; returns how many changes were made."""
    if next_step(_read(page, now).state, now) is None:
        return 0
    for made in range(STEPS_MOST):
        with transaction.atomic():
            lock_page(page.pk)
            rows = _read(page, now)
            step = next_step(rows.state, now)
            if step is None:
                return made
            _apply(page, rows, step, now)
    return STEPS_MOST


def _apply(page: StatusPage, rows: _Rows, step: AutomationStep, now: datetime) -> None:
    told = rows.told.get(step.told)
    components = [rows.components[key] for key in step.components]
    if step.reason is AutomationReason.DUE:
        rule = rows.rules[step.rule]
        incident = Incident.objects.get(pk=step.incident)
        wanted = {
            "page": page, "incident": incident, "title": rule.title, "text": rule.text, "impact": step.impact,
            "components": components, "state": UpdateState.INVESTIGATING, "started_at": incident.started_at,
        }  # fmt: skip
        made = save_public_incident(PublicIncident(team_id=page.team_id), wanted, by_rule=True)
        _mark(page, incident.pk, made, rule)
    elif told is not None and step.reason is AutomationReason.COVERED:
        _mark(page, step.incident, told)
    elif told is not None and step.reason is AutomationReason.SPREAD:
        if not AutomaticPublication.objects.filter(_holds(now), page=page, incident=step.incident).exists():
            _mark(page, step.incident, told)
        wanted = {"impact": step.impact, "components": [*told.components.all(), *components]}
        save_public_incident(told, wanted, by_rule=True)
        more = _more(components, rows.rules[step.rule], page)
        add_update(told, {"state": UpdateState(told.state), "text": more}, by_rule=True)
    elif told is not None:
        add_update(told, {"state": UpdateState.RESOLVED, "text": _closing(told)}, by_rule=True)


def _mark(page: StatusPage, incident: int, public: PublicIncident, rule: PublicationRule | None = None) -> None:
    """Note that a page has dealt with an incident, in place of a mark that holds no longer."""
    wanted = {"public": public, "rule": rule}
    AutomaticPublication.objects.update_or_create(page=page, incident_id=incident, defaults=wanted)


def _holds(now: datetime) -> Q:
    """Marks that hold: of what was published for its incident for ever, of what only covers it while that lasts."""
    own = Q(rule__isnull=False) | Q(public=None) | Q(public__incident=F("incident"))
    lasts = Q(public__resolved_at=None) | Q(public__resolved_at__gt=now - COVER_LASTS)
    return own | (lasts & ~Q(public__impact=PublicImpact.NONE))


def _more(added: Iterable[PageComponent], rule: PublicationRule, page: StatusPage) -> str:
    """What came to a public incident: the components by their names, or, where it is only worse, the words for that."""
    names = [one.name for one in added]
    if names:
        return spread_text(names, words_of(page.language))
    return f"{rule.title}: {rule.text}"[:TEXT_MOST]


def _closing(told: PublicIncident) -> str:
    """The words of its rule; where that was deleted, those that are there for everyone."""
    mark = AutomaticPublication.objects.filter(public=told, rule__isnull=False).select_related("rule").first()
    if mark is not None and mark.rule is not None:
        return mark.rule.closing_text
    return text_of(UpdateState.RESOLVED, [one.name for one in told.components.all()], words_of(told.page.language))


def _read(page: StatusPage, now: datetime) -> _Rows:
    rules = {one.pk: one for one in PublicationRule.objects.filter(component__page=page, enabled=True)}
    told = _told(page)
    components = {one.pk: one for one in page.components.all()}
    asked = {one.component_id for one in rules.values()} | {
        one.pk for row in told if row.is_automatic for one in row.components.all()
    }
    of_rules = {
        (one.component_id, RuleKind(one.kind)): DueRule(
            one.pk, one.component_id, RuleKind(one.kind), one.after, PublicImpact(one.impact)
        )
        for one in rules.values()
    }
    failures = _failures(page, [components[key] for key in sorted(asked)], now)
    marks, known = _known(page, {key for one in failures for key in one.ids}, now)
    state = PageState(of_rules, failures, [_as_told(row, marks) for row in told], known)
    return _Rows(state, components, rules, {row.pk: row for row in told})


def _known(page: StatusPage, failing: set[int], now: datetime) -> tuple[Sequence[tuple[int, int | None]], set[int]]:
    """Marks of what fails now, as incident and public incident, and what of it the page has dealt with."""
    if not failing:
        return [], set()
    marks = AutomaticPublication.objects.filter(_holds(now), page=page, incident__in=failing)
    found = list(marks.values_list("incident_id", "public_id"))
    said = page.incidents.filter(incident__in=failing, published_at__isnull=False)
    return found, {incident for incident, _ in found}.union(said.values_list("incident_id", flat=True))


def _told(page: StatusPage) -> list[PublicIncident]:
    """Open public incidents of a page, the newest first; drafts are none, and planned work covers no failure."""
    found = page.incidents.filter(resolved_at=None, published_at__isnull=False, maintenance=None)
    return list(found.prefetch_related("components").order_by("-pk"))


def _as_told(row: PublicIncident, marks: Iterable[tuple[int, int | None]]) -> OpenAccount:
    about = {incident for incident, public in marks if public == row.pk}
    if row.incident_id is not None:
        about.add(row.incident_id)
    components = frozenset(one.pk for one in row.components.all())
    return OpenAccount(row.pk, row.is_automatic, components, frozenset(about), PublicImpact(row.impact))


def _held(page: StatusPage) -> frozenset[int]:
    """Components in planned maintenance that is under way: what fails there was announced."""
    under_way = page.components.filter(incidents__maintenance__isnull=False, incidents__state__in=UNDER_WAY)
    return frozenset(under_way.values_list("pk", flat=True))


def _open_incidents() -> QuerySet[Incident]:
    """Open incidents of monitors of which rules may speak."""
    seen = Incident.objects.filter(resolved_at=None, kind__in=_KINDS, monitor__deleted_at=None)
    return seen.exclude(IS_FORETOLD)


def _failures(page: StatusPage, components: Iterable[PageComponent], now: datetime) -> list[ComponentFailure]:
    """Open incidents of the monitors behind these components."""
    chosen = list(components)
    found = _open_incidents().filter(team=page.team)
    behind = Q(monitor__in=[one.monitor_id for one in chosen if one.monitor_id])
    for tag in {one.tag for one in chosen if one.tag}:
        behind |= Q(monitor__tags__contains=[tag])
    incidents = list(found.filter(behind).select_related("monitor").order_by("pk")[:INCIDENTS_MOST]) if chosen else []
    if not incidents:
        return []
    silences, held = TeamSilences.read(page.team, now, now), _held(page)
    failures: list[ComponentFailure] = []
    for incident in incidents:
        monitor = incident.monitor
        assert monitor is not None  # The question was about those of monitors.
        silenced = any(one.is_maintenance for one in silences.covering(monitor))
        root = incident.part_of_id or incident.pk
        failures += [
            ComponentFailure(
                root, frozenset({incident.pk, root}), one.pk, _KINDS[incident.kind], incident.started_at,
                silenced or one.pk in held,
            )
            for one in chosen
            if (one.monitor_id == monitor.pk if one.monitor_id else one.tag in monitor.tags)
        ]  # fmt: skip
    return failures
