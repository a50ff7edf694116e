"""Automatic public incidents: what the rules of a page say of the incidents behind its components.

Read without a lock, and once more with the page's lock before each change: of two processes one writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.read_models.team_silences import TeamSilences
from vigil.status.changes import lock_page
from vigil.status.core.states import UNDER_WAY, PublicImpact, RuleKind, UpdateState
from vigil.status.incident_models import AutomaticPublication, PublicationRule
from vigil.status.models import PageComponent, PublicIncident, StatusPage
from vigil.status.public_incidents.changes import save_public_incident
from vigil.status.public_incidents.core.automation import (
    AutomationReason,
    AutomationStep,
    ComponentFailure,
    DueRule,
    OpenAccount,
    PageState,
    next_step,
)
from vigil.status.public_incidents.core.first_words import text_of
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
    """Pages that say something by themselves, or whose automatic incident is still open."""
    ruled = Q(components__publication_rules__enabled=True)
    begun = Q(incidents__is_automatic=True, incidents__resolved_at=None)
    return list(StatusPage.objects.filter(ruled | begun).distinct().select_related("team").order_by("pk"))


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
            _apply(page, rows, step)
    return STEPS_MOST


def _apply(page: StatusPage, rows: _Rows, step: AutomationStep) -> None:
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
        AutomaticPublication.objects.create(page=page, incident=incident, public=made, rule=rule)
    elif step.reason is AutomationReason.COVERED:
        AutomaticPublication.objects.create(page=page, incident_id=step.incident, public=told)
    elif told is not None and step.reason is AutomationReason.SPREAD:
        AutomaticPublication.objects.get_or_create(page=page, incident_id=step.incident, defaults={"public": told})
        wanted = {"impact": step.impact, "components": [*told.components.all(), *components]}
        save_public_incident(told, wanted, by_rule=True)
    elif told is not None:
        add_update(told, {"state": UpdateState.RESOLVED, "text": _closing(told)}, by_rule=True)


def _closing(told: PublicIncident) -> str:
    """The words of its rule; where that was deleted, those that are there for everyone."""
    mark = AutomaticPublication.objects.filter(public=told, rule__isnull=False).select_related("rule").first()
    if mark is not None and mark.rule is not None:
        return mark.rule.closing_text
    return text_of(UpdateState.RESOLVED, [one.name for one in told.components.all()])


def _read(page: StatusPage, now: datetime) -> _Rows:
    rules = {one.pk: one for one in PublicationRule.objects.filter(component__page=page, enabled=True)}
    told = _told(page)
    components = {one.pk: one for one in page.components.all()}
    asked = {one.component_id for one in rules.values()} | {
        one.pk for row in told if row.is_automatic for one in row.components.all()
    }
    marks = list(AutomaticPublication.objects.filter(page=page).values_list("incident_id", "public_id"))
    of_rules = {
        (one.component_id, RuleKind(one.kind)): DueRule(
            one.pk, one.component_id, RuleKind(one.kind), one.after, PublicImpact(one.impact)
        )
        for one in rules.values()
    }
    known = {incident for incident, _ in marks}
    said = page.incidents.filter(incident__isnull=False, published_at__isnull=False)
    known |= set(said.values_list("incident_id", flat=True))
    state = PageState(
        of_rules,
        _failures(page, [components[key] for key in sorted(asked)], _held(page), now),
        [_as_told(row, marks) for row in told],
        known,
    )
    return _Rows(state, components, rules, {row.pk: row for row in told})


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


def _failures(
    page: StatusPage, components: Iterable[PageComponent], held: frozenset[int], now: datetime
) -> list[ComponentFailure]:
    """Open incidents of the monitors behind these components."""
    chosen = list(components)
    found = Incident.objects.filter(team=page.team, resolved_at=None, kind__in=_KINDS, monitor__deleted_at=None)
    behind = Q(monitor__in=[one.monitor_id for one in chosen if one.monitor_id])
    for tag in {one.tag for one in chosen if one.tag}:
        behind |= Q(monitor__tags__contains=[tag])
    incidents = list(found.filter(behind).select_related("monitor").order_by("pk")[:INCIDENTS_MOST]) if chosen else []
    silences = TeamSilences.read(page.team, now, now) if incidents else TeamSilences([], now)
    failures = []
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
