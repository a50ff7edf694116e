"""Canary rows: from a row to its account and answers, and back."""

from __future__ import annotations

from collections.abc import Collection

from probes.ai.prices import NANOS, most_nanos
from probes.probers import SpecError, read_spec
from probes.reasons import Reason
from probes.specs.canary import CanarySpec, price_of, tokens_of
from vigil.canaries.core.budget import BudgetAccount, BudgetLimit, Reservation, is_stopped
from vigil.canaries.core.window import CanaryAnswer, WindowRule
from vigil.canaries.core.wording import stopped_text, unpriced_text
from vigil.canaries.models import Canary
from vigil.monitors.models import Monitor

ACCOUNT_FIELDS = ("month", "spent", "reserved", "last_slot_ms", "stopped")


def locked_canaries(monitors: Collection[str]) -> dict[str, Canary]:
    """Rows of these monitors (public ids), locked in a fixed order; call inside a transaction."""
    rows = Canary.objects.select_for_update(of=("self",)).select_related("monitor")
    return {row.monitor.public_id: row for row in rows.filter(monitor__public_id__in=monitors).order_by("monitor_id")}


def spec_of(monitor: Monitor) -> CanarySpec | None:
    """The spec of a canary; None where its stored configuration is no longer one."""
    try:
        spec = read_spec(monitor.kind, monitor.config)
    except SpecError:
        return None
    return spec if isinstance(spec, CanarySpec) else None


def budget_of(spec: CanarySpec) -> int:
    """The budget of a month."""
    return round(spec.monthly_budget * NANOS)


def limit_of(spec: CanarySpec) -> BudgetLimit | None:
    """What its answers may cost; None where their price is not known."""
    price = price_of(spec)
    return None if price is None else BudgetLimit(budget_of(spec), most_nanos(price, tokens_of(spec)))


def why_stopped(row: Canary, spec: CanarySpec, month: str) -> str:
    """Why a canary asks nothing more in a month (UTC), in words; "" while it does."""
    limit = limit_of(spec)
    if limit is None:
        return unpriced_text()
    return stopped_text(limit.budget, month) if is_stopped(account_of(row), limit, month) else ""


def rule_of(spec: CanarySpec) -> WindowRule:
    return WindowRule(spec.bad_answers, spec.of_answers)


def account_of(row: Canary) -> BudgetAccount:
    reserved = {int(slot): Reservation(str(region), int(nanos)) for slot, (region, nanos) in row.reserved.items()}
    return BudgetAccount(row.month, row.spent, reserved, row.last_slot_ms, row.stopped)


def keep_account(row: Canary, account: BudgetAccount) -> None:
    """Set the account on its row, which is not saved."""
    row.month, row.spent, row.stopped = account.month, account.spent, account.stopped
    row.reserved = {str(slot): [one.region, one.nanos] for slot, one in account.reserved.items()}
    row.last_slot_ms = account.last_slot_ms


def answers_of(row: Canary) -> tuple[CanaryAnswer, ...]:
    """The last answers, oldest first; without those of a newer release, whose reason is not known here."""
    known = {reason.value for reason in Reason}
    return tuple(
        CanaryAnswer(int(slot), str(region), int(revision), bool(bad), Reason(reason), str(fault), str(detail))
        for slot, region, revision, bad, reason, fault, detail in row.answers
        if reason in known
    )


def keep_answers(row: Canary, answers: Collection[CanaryAnswer]) -> None:
    """Set the answers on their row, which is not saved."""
    row.answers = [
        [one.slot_ms, one.region, one.revision, one.bad, one.reason.value, one.fault, one.detail] for one in answers
    ]
