"""Providers: error budgets by whose fault lost time was, and who told of outages first."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.accounts.models import Team
from vigil.clock import database_now
from vigil.feeds.core.lead_table import ProviderLeads
from vigil.history.core.burn_rate import HOUR_S
from vigil.history.core.minutes_lost import LossClass
from vigil.history.models import Objective
from vigil.history.reading.minutes_lost import ProviderBudget, provider_budgets
from vigil.history.reading.objectives import in_words
from vigil.incidents.models import DetectionLead
from vigil.incidents.providers.lead_years import lead_table
from vigil.monitors.core.providers import name_of
from vigil.read_models.core.figures import length, percent
from vigil.read_models.core.lead_words import lead_in_words, year_in_words
from vigil.read_models.core.lost_words import CLASS_WORDS, cause_in_words, lost_in_words
from vigil.web.pages.shell import PageReader, page, render_page

LEADS_SHOWN = 10
YEARS_BACK = 5


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget as one row: figures in words, and the share of each class."""

    budget: ProviderBudget
    name: str
    left: str
    is_burning: bool
    burn_fast: str
    burn_slow: str
    lost: str
    classes: tuple[tuple[str, int], ...]
    words: str


@require_safe
@page
def providers(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Every provider that the team watches, the one with the least budget first."""
    found = [line_of(one) for one in provider_budgets(reader.team, database_now()) if not one.model]
    found.sort(key=lambda line: (line.budget.status.budget.left, line.name))
    burning = sum(line.is_burning for line in found)
    return render_page(request, reader, "providers", "ai/providers.html", {"lines": found, "burning": burning})


@require_safe
@page
def provider(request: HttpRequest, reader: PageReader, key: str) -> HttpResponse:
    """One provider: its budget, that of each model, what the lost time went to, and the last detection leads."""
    found = provider_budgets(reader.team, database_now(), key)
    if not found:
        raise Http404
    whole, models = found[0], found[1:]
    shown = {
        "line": line_of(whole),
        "says": _budget_in_words(whole),
        "models": [line_of(one) for one in models],
        "reasons": [(cause_in_words(share.reason), CLASS_WORDS[share.loss], length(timedelta(seconds=share.seconds)),
                     share.percent) for share in whole.lost.shares],
        "availability": [(CLASS_WORDS[loss], percent(whole.lost.availability(loss)))
                         for loss in LossClass if loss is not LossClass.UNKNOWN],
        "leads": _leads(reader.team, key),
    }  # fmt: skip
    return render_page(request, reader, "providers", "ai/provider.html", shown)


@require_safe
@page
def leads(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The yearly table of detection leads."""
    now = database_now()
    year = _year(request, now)
    rows = lead_table(reader.team, year)
    shown = {
        "year": year,
        "years": [(one, one == year) for one in range(now.year, now.year - YEARS_BACK, -1)],
        "rows": [
            (one, name_of(one.provider), *map(lead_in_words, (one.median_s, one.best_s, one.worst_s))) for one in rows
        ],
        "says": year_in_words(rows),
    }  # fmt: skip
    return render_page(request, reader, "providers", "ai/leads.html", shown)


@require_safe
@page
def leads_csv(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The same as CSV; leads in seconds, negative where their page was first."""
    year = _year(request, database_now())
    answer = HttpResponse(content_type="text/csv; charset=utf-8; header=present")
    answer["Content-Disposition"] = f'attachment; filename="detection-leads-{year}.csv"'
    writer = csv.writer(answer)
    writer.writerow([one.name for one in fields(ProviderLeads)])
    writer.writerows(asdict(one).values() for one in lead_table(reader.team, year))
    return answer


def line_of(one: ProviderBudget) -> BudgetLine:
    """A budget in figures."""
    percents = one.lost.percents()
    return BudgetLine(
        budget=one,
        name=one.model or name_of(one.provider),
        left=f"{max(0, round(one.status.budget.left * 100))} %",
        is_burning=one.status.rule is not None,
        burn_fast=f"{one.status.rates[HOUR_S]:.1f}",
        burn_slow=f"{one.status.rates[6 * HOUR_S]:.1f}",
        lost=length(timedelta(seconds=one.lost.lost_s)),
        classes=tuple((CLASS_WORDS[loss], percents[loss]) for loss in LossClass),
        words=lost_in_words(one.lost),
    )


def _budget_in_words(one: ProviderBudget) -> str:
    held = Objective(target_percent=Decimal(str(one.objective.target_percent)), window_days=one.objective.window_days)
    return in_words(held, one.status)


def _leads(team: Team, key: str) -> list[DetectionLead]:
    found = DetectionLead.objects.filter(incident__team=team, incident__provider=key).select_related("incident")
    return list(found.order_by("-incident__opened_at")[:LEADS_SHOWN])


def _year(request: HttpRequest, now: datetime) -> int:
    given = request.GET.get("year", "")
    known = {str(year): year for year in range(now.year, now.year - YEARS_BACK, -1)}
    return known.get(given, now.year)
