"""Look now: one look of a monitor from all of its regions for a person, filled in as regions answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from probes.checks.assertion_facts import assertions_of
from probes.wire import Result
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.dispatch import trials
from vigil.dispatch.core.trials import AnswerState, RegionAnswer, TrialReport, TrialState
from vigil.dispatch.trial_limits import TooManyTrials
from vigil.monitors.core.clear_credentials import hidden_in_text
from vigil.monitors.models import Monitor
from vigil.read_models.core.figures import NO_VALUE, milliseconds
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.errors import too_many
from vigil.web.pages.monitors.chart import monitor_of
from vigil.web.pages.monitors.shown import ShownAssertion
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.marks import StateMark, mark
from vigil.web.parts.phases import PhaseBar, phase_bar

_WAITING = {AnswerState.PENDING: "Looking…", AnswerState.SILENT: "Silent", AnswerState.NOT_ASKED: "Not asked"}


@dataclass(frozen=True, slots=True)
class LookRow:
    """One region of a look."""

    region: str
    mark: StateMark
    took: str
    bar: PhaseBar | None
    said: str
    assertions: list[ShownAssertion]


@dataclass(frozen=True, slots=True)
class ShownLook:
    """A look as it stands: `sum` in words, `address` of its fragment while regions still answer."""

    sum: str
    rows: list[LookRow]
    address: str
    is_running: bool


@require_POST
@page
def look_now(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Ask every region at once; the page then shows what they see."""
    reader.require_writer()
    monitor = monitor_of(reader, public_id)
    try:
        begun = trials.start(monitor, list(monitor.regions.filter(enabled=True)))
    except TooManyTrials as refused:
        return too_many(request, refused.wait_s)
    except trials.TrialsUnavailable:
        return _refused(request, monitor, "Regions cannot be asked now: Redis is away.")
    except ValidationError as refused:
        return _refused(request, monitor, " ".join(refused.messages))
    return redirect(f"{reverse('monitor', args=[public_id])}?look={begun.trial.id}#look")


@require_safe
@page
def look(request: HttpRequest, reader: PageReader, public_id: str, trial_id: str) -> HttpResponse:
    """The fragment that fills in: it asks for itself until every region has answered."""
    shown = look_of(reader, monitor_of(reader, public_id), trial_id)
    return render(request, "web/pages/monitor/look.html", {"look": shown or _gone(public_id)})


def look_of(reader: PageReader, monitor: Monitor, trial_id: str) -> ShownLook | None:
    """A look of this monitor; None for none, and for one that is over since some minutes."""
    if not trial_id or len(trial_id) > 60:
        return None
    try:
        found = trials.find(reader.team.public_id, trial_id)
    except trials.TrialsUnavailable:
        return ShownLook("Regions cannot be asked now: Redis is away.", [], "", False)
    if found is None or found.trial.monitor != monitor.public_id:
        return None
    return _shown(found, monitor.public_id, reader.may_write)


def _shown(found: TrialReport, public_id: str, may_write: bool) -> ShownLook:
    running = found.state is TrialState.RUNNING
    results = [one.result for one in found.answers if one.result is not None]
    longest = max((one.phases.total_us / 1000 for one in results), default=0.0)
    sum_up = f"{len(results)} of {len(found.answers)} regions have answered."
    if found.verdict is not None and not running:
        sum_up = found.verdict.explanation
    return ShownLook(
        sum=sum_up,
        rows=[_row(one, longest, may_write) for one in found.answers],
        address=reverse("monitor-look", args=[public_id, found.trial.id]) if running else "",
        is_running=running,
    )


def _row(one: RegionAnswer, longest_ms: float, may_write: bool) -> LookRow:
    if one.result is None:
        pending = one.state is AnswerState.PENDING
        state = ShownState.NEW if pending else ShownState.UNKNOWN
        return LookRow(one.region, mark(state, _WAITING[one.state]), NO_VALUE, None, "", [])
    result = one.result
    _, outcomes = assertions_of(result.facts)
    detail = result.detail if may_write else hidden_in_text(result.detail)
    reason = reason_in_words(result.reason.value)
    return LookRow(
        region=one.region,
        mark=mark(ShownState(result.status.value)),
        took=milliseconds(result.phases.total_us / 1000),
        bar=phase_bar(phases_ms(result), longest_ms),
        said="" if result.status.value == "up" else f"{reason}{f': {detail}' if detail else ''}",
        assertions=[
            ShownAssertion(each.expected if each.passed else f"{each.expected}: was {each.found}", each.passed)
            for each in outcomes
        ],
    )


def phases_ms(result: Result) -> dict[str, float]:
    """Phases of a result in ms, as `parts.phases` takes them."""
    phases: Any = result.phases
    named = {"dns": phases.dns_us, "connect": phases.connect_us, "tls": phases.tls_us}
    return {
        name: us / 1000 for name, us in {**named, "first byte": phases.first_byte_us, "total": phases.total_us}.items()
    }


def _gone(public_id: str) -> ShownLook:
    return ShownLook("This look is over since some minutes. Its results are no longer kept.", [], "", False)


def _refused(request: HttpRequest, monitor: Monitor, why: str) -> HttpResponse:
    context = {"look": ShownLook(why, [], "", False), "monitor": monitor}
    return render(request, "web/pages/monitor_refused.html", context, status=409)
