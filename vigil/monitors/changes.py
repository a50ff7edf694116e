"""Write path of monitors and regions: validated, one transaction, a new revision each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from consensus.vocabulary import Sensitivity
from probes.specs.destination import Destination, destination_of
from probes.wire import CANARY_KIND
from vigil.accounts.models import Team
from vigil.accounts.repointing import require_new_secrets
from vigil.accounts.sealed import Secrets
from vigil.monitors.core.clear_credentials import credentials_in
from vigil.monitors.core.providers import provider_of
from vigil.monitors.costs import canary_estimate, cost_warnings
from vigil.monitors.live.version import touch
from vigil.monitors.models import NAME_CONSTRAINT, NAME_TAKEN, ChangeKind, DerivedKind, Monitor, MonitorChange, Region
from vigil.monitors.relations import know_as_new, regions_of
from vigil.monitors.validation import Problems, least_interval_s, name_is_taken, problems_of
from vigil.problems.rows import duplicate
from vigil.visible_text import unique_words

SETTABLE = frozenset(
    {
        "name", "kind", "config", "secrets", "interval_s", "timeout_ms", "sensitivity", "tags", "priority", "paused",
        "regions", "headroom_warning_minutes",
    }
)  # fmt: skip
#: Settings that only a monitor has which regions check.
OF_CHECKS = frozenset(
    {"config", "secrets", "interval_s", "timeout_ms", "sensitivity", "regions", "headroom_warning_minutes"}
)
MAX_REGIONS = 50
# Asked at each creation of a monitor: the ORM would put it together anew each time.
_ENABLED = f"SELECT * FROM monitors_region WHERE enabled ORDER BY slug LIMIT {MAX_REGIONS}"
_WATCH = "INSERT INTO monitors_monitor_regions (monitor_id, region_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[])"


def create_monitor(team: Team, wanted: Mapping[str, Any]) -> Monitor:
    """Create a monitor from the settable fields; raises `ValidationError` keyed by field.

    Without `regions` every enabled region checks it; an empty list means none.
    """
    problems = derived_problem(wanted.get("kind"))
    if problems:
        raise ValidationError(problems)
    monitor = Monitor(team=team)
    with transaction.atomic():
        _write(monitor, wanted if "regions" in wanted else {**wanted, "regions": default_regions()})
    return monitor


def derived_problem(kind: Any) -> Problems:
    """The problem of a kind that has a write path of its own; empty for one that regions check."""
    if kind in DerivedKind:
        return {"kind": [f"Regions do not check a {kind}: create it on its own page."]}
    return {}


def default_regions() -> list[Region]:
    """Regions of a monitor whose regions are not chosen: every enabled one, as many as one monitor can have."""
    return list(Region.objects.raw(_ENABLED))


def create_derived(team: Team, kind: DerivedKind, wanted: Mapping[str, Any]) -> Monitor:
    """Create a monitor without checks; for the write path of its kind, inside its transaction."""
    monitor = Monitor(team=team, kind=kind)
    _write(monitor, wanted)
    return monitor


def update_monitor(monitor: Monitor, wanted: Mapping[str, Any]) -> Monitor:
    """Change fields, if they differ. Raises `ValidationError` by field, `Monitor.DoesNotExist` if deleted meanwhile."""
    with transaction.atomic():
        current = Monitor.objects.select_for_update(no_key=True).get(pk=monitor.pk, deleted_at=None)
        changed = {name: value for name, value in plain(wanted).items() if _differs(current, name, value)}
        _refuse_meaningless(current, changed)
        if "kind" in changed and (current.kind in DerivedKind or changed["kind"] in DerivedKind):
            raise ValidationError({"kind": ["The kind of this monitor cannot be changed."]})
        if changed:
            check_destination(current, wanted)
            current.revision += 1
            _write(current, changed)
    return current


def plain(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Wanted fields with each tag once."""
    return {**wanted, "tags": unique_words(wanted["tags"])} if "tags" in wanted else wanted


def _refuse_meaningless(monitor: Monitor, changed: Mapping[str, Any]) -> None:
    """Refuse settings of checks for a monitor that no region checks: they would be stored and do nothing."""
    names = sorted(OF_CHECKS & changed.keys()) if monitor.kind in DerivedKind else []
    if names:
        raise ValidationError({name: [f"A {monitor.kind} has none: regions do not check it."] for name in names})


def check_destination(stored: Monitor, wanted: Mapping[str, Any]) -> None:
    """Refuse a change that sends the stored secrets to another server; raises `ValidationError` that names them."""
    require_new_secrets(stored, wanted, _destination)


def _destination(kind: str, config: Any) -> Destination | None:
    """Who receives the secrets; None for a configuration that no prober reads."""
    # The probers' dependencies load slowly, and most processes of the control plane never write a monitor.
    from probes.probers import SpecError, read_spec

    try:
        return destination_of(kind, read_spec(kind, config))
    except (SpecError, TypeError, ValueError):
        return None


def set_paused(monitor: Monitor, paused: bool) -> Monitor:
    """Pause or resume a monitor; history and incidents stay."""
    return update_monitor(monitor, {"paused": paused})


def delete_monitor(monitor: Monitor) -> None:
    """Delete a monitor, unless it is deleted."""
    delete_monitors(Monitor.objects.filter(pk=monitor.pk))


def delete_monitors(monitors: QuerySet[Monitor]) -> int:
    """Delete those that live; returns how many. Their rows stay for incidents, without secrets; names are free."""
    with transaction.atomic():
        rows = list(monitors.filter(deleted_at=None).select_for_update(of=("self",), no_key=True).order_by("pk"))
        Monitor.objects.filter(pk__in=[row.pk for row in rows]).update(
            secrets=Secrets(), deleted_at=Now(), revision=F("revision") + 1, updated_at=Now()
        )
        for row in rows:
            row.revision += 1
        MonitorChange.record_many(rows, ChangeKind.DELETED)
        for team in {row.team_id for row in rows}:
            touch(team)
    return len(rows)


def monitor_warnings(monitor: Monitor) -> list[str]:
    """Weaknesses of a monitor in words: its choice of regions, and what its checks cost; empty if it is sound."""
    if monitor.kind in DerivedKind:
        return []
    regions = regions_of(monitor)
    paused = [f"Paused by Vigil: {monitor.paused_why}."] if monitor.paused and monitor.paused_why else []
    clear = [f"{path} holds a credential in clear. Put it into `secrets`." for path in credentials_in(monitor.config)]
    costs = cost_warnings(monitor.config, len(regions), monitor.interval_s)
    canary = canary_estimate(monitor.kind, monitor.config, monitor.interval_s)
    if canary is not None:
        costs = [*costs, canary.text]
    if monitor.kind == CANARY_KIND and monitor.sensitivity != Sensitivity.NORMAL:
        costs.append("Its sensitivity does nothing: `bad_answers` of the last `of_answers` decide.")
    return [*paused, *layout_warnings(regions), *costs, *clear]


def layout_warnings(regions: Sequence[Region]) -> list[str]:
    """Weaknesses of a choice of regions, in words; empty if it is sound."""
    if not regions:
        return ["No regions selected: this monitor is not being checked."]
    if len(regions) == 1:
        return ["One region: no other confirms its results."]
    warnings = []
    if len(regions) == 2:
        warnings.append("Two regions: an alert needs a failure in both.")
    quorum = len(regions) // 2 + 1
    domains: dict[str, int] = {}
    for region in regions:
        domains[region.domain] = domains.get(region.domain, 0) + 1
    for domain, count in sorted(domains.items()):
        if len(domains) == 1:
            warnings.append(f"All regions are in the domain {domain}: a failure of this domain looks like an outage.")
        elif count >= quorum:
            warnings.append(
                f"The domain {domain} holds {count} of {len(regions)} regions: without it there is no quorum."
            )
    return warnings


def _differs(monitor: Monitor, name: str, value: Any) -> bool:
    if name == "regions":
        return {region.pk for region in value} != set(monitor.regions.values_list("pk", flat=True))
    if name == "secrets":
        return dict(monitor.secrets) != dict(value)
    return bool(getattr(monitor, name, None) != value)


def assign(monitor: Monitor, wanted: Mapping[str, Any]) -> Problems:
    """Set the wanted fields, regions excepted; returns the problems that need no database to find."""
    unknown = sorted(set(wanted) - SETTABLE)
    if unknown:
        return {unknown[0]: ["This cannot be set."]}
    for name, value in plain(wanted).items():
        if name != "regions":
            setattr(monitor, name, Secrets(value) if name == "secrets" else value)
    if monitor._state.adding and "interval_s" not in wanted:
        monitor.interval_s = max(monitor.interval_s, least_interval_s(monitor.kind))
    if not monitor.paused:
        monitor.paused_why = ""
    if monitor._state.adding or "config" in wanted:
        monitor.provider = provider_of(monitor.config)
    if monitor.pk and dict(wanted) == {"paused": True}:
        # What is stored may be from before there were its rules, or of a later release: it stops no pause.
        return {}
    problems = problems_of(monitor, unchanged=("name",) if monitor.pk and "name" not in wanted else ())
    if len(wanted.get("regions") or ()) > MAX_REGIONS:
        problems["regions"] = [f"At most {MAX_REGIONS} regions can check one monitor."]
    return problems


def _write(monitor: Monitor, wanted: Mapping[str, Any]) -> None:
    is_new = monitor.pk is None
    problems = assign(monitor, wanted)
    if "name" in wanted and "name" not in problems and name_is_taken(monitor):
        problems["name"] = [duplicate(NAME_TAKEN)]
    if problems:
        raise ValidationError(problems)
    try:
        monitor.save(force_insert=is_new, force_update=not is_new)
    except IntegrityError as refused:
        # Another writer took the name after the check.
        if NAME_CONSTRAINT in str(refused):
            raise ValidationError({"name": [duplicate(NAME_TAKEN)]}) from None
        raise
    if is_new:
        write_regions([monitor], [wanted.get("regions") or ()])
        know_as_new(monitor, wanted.get("regions") or ())
    elif "regions" in wanted:
        monitor.regions.set(wanted["regions"])
    MonitorChange.record(monitor, ChangeKind.CREATED if is_new else ChangeKind.CHANGED, wanted)
    touch(monitor.team_id)


def write_regions(monitors: Sequence[Monitor], regions: Sequence[Sequence[Region]]) -> None:
    """Write the regions of new monitors, in the order of the monitors."""
    keys: list[int] = []
    chosen: list[int] = []
    for monitor, each in zip(monitors, regions, strict=True):
        once = {region.pk: None for region in each}
        keys += [monitor.pk] * len(once)
        chosen += once
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(_WATCH, [keys, chosen])
