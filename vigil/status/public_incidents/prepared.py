"""Write paths of what is prepared for public incidents: rules and templates. Raise `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.problems.rows import row_problems
from vigil.status.changes import lock_page, refuse, set_fields
from vigil.status.components import Problems
from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import StatusPage
from vigil.status.public_incidents.changes import refuse_gone

MAX_TEMPLATES = 200
_RULE = ("component", "kind", "after_s", "impact", "title", "text", "closing_text", "enabled")
_TEMPLATE = ("page", "name", "state", "title", "text")


def save_publication_rule(rule: PublicationRule, wanted: Mapping[str, Any]) -> PublicationRule:
    """Create or change a rule; a component has one for each kind."""
    set_fields(rule, wanted, _RULE)
    problems: Problems = {**row_problems(rule, exclude=["public_id"])}
    component = rule.component if rule.component_id else None
    if component is not None and component.page.team_id != rule.team_id:
        problems["component"] = ["This component is another team's."]
    refuse(problems)
    with transaction.atomic():
        if component is not None:
            lock_page(component.page_id)
            refuse_gone(component.page, [component])
        rule.save()
    return rule


def lock_page_of_rule(team: Team, public_id: str) -> None:
    """Lock the page of a rule for who is about to lock the rule: the publisher marks, behind the page, what it said."""
    mine = PublicationRule.objects.filter(team=team, public_id=public_id)
    StatusPage.objects.select_for_update(no_key=True).filter(pk__in=mine.values("component__page_id")).first()


def save_update_template(template: UpdateTemplate, wanted: Mapping[str, Any]) -> UpdateTemplate:
    """Create or change a template. Its components are those of its page; without one it is for every page."""
    is_new = template._state.adding
    set_fields(template, wanted, _TEMPLATE)
    problems: Problems = {**row_problems(template, exclude=["public_id"])}
    components = wanted.get("components")
    if components is None and "page" in wanted and not is_new:
        components = [one for one in template.components.all() if one.page_id == template.page_id]
    if template.page is not None and template.page.team_id != template.team_id:
        problems["page"] = ["This page is another team's."]
    elif components and any(one.page_id != template.page_id for one in components):
        problems["components"] = ["Each must be a component of its page."]
    refuse(problems)
    with transaction.atomic():
        if is_new and UpdateTemplate.objects.filter(team_id=template.team_id).count() >= MAX_TEMPLATES:
            raise ValidationError({"name": [f"A team has at most {MAX_TEMPLATES} templates."]})
        template.save()
        if components is not None:
            template.components.set(components)
    return template
