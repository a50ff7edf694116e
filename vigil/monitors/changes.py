"""Write path of monitors and regions: validated, one transaction, a new revision each time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from probes.specs.destination import Destination, destination_of
from vigil.accounts.models import Team
from vigil.accounts.repointing import require_new_secrets
from vigil.accounts.sealed import Secrets
from vigil.monitors.core.clear_credentials import credentials_in
from vigil.monitors.core.providers import provider_of
from vigil.monitors.costs import cost_warnings, refusal_estimate
from vigil.monitors.live_version import touch
from vigil.monitors.models import NAME_CONSTRAINT, NAME_TAKEN, ChangeKind, DerivedKind, Monitor, MonitorChange, Region
from vigil.problems.rows import below, duplicate, row_problems
from vigil.visible_text import is_visible_line, unique_words

SETTABLE = frozenset(
    {
        "name", "kind", "config", "secrets", "interval_s", "timeout_ms", "sensitivity", "tags", "priority", "paused",
        "regions",
    }
)  # fmt: skip
#: Settings that only a monitor has which regions check.
OF_CHECKS = frozenset({"config", "secrets", "interval_s", "timeout_ms", "sensitivity", "regions"})
MAX_TAGS, MAX_TAG_LENGTH = 20, 50
MAX_SECRETS, MAX_SECRET_LENGTH = 20, 8192
MAX_REGIONS = 50


def create_monitor(team: Team, wanted: Mapping[str, Any]) -> Monitor:
    """Create a monitor from the settable fields; raises `ValidationError` keyed by field.

    Without `regions` every enabled region checks it; an empty list means none.
    """
    kind = wanted.get("kind")
    if kind in DerivedKind:
        raise ValidationError({"kind": [f"Regions do not check a {kind}: create it on its own page."]})
    monitor = Monitor(team=team)
    with transaction.atomic():
        _write(monitor, {"regions": default_regions(), **_plain(wanted)})
    return monitor


def default_regions() -> list[Region]:
    """Regions of a monitor whose regions are not chosen: every enabled one, as many as one monitor can have."""
    return list(Region.objects.filter(enabled=True).order_by("slug")[:MAX_REGIONS])


def create_derived(team: Team, kind: DerivedKind, wanted: Mapping[str, Any]) -> Monitor:
    """Create a monitor without checks; for the write path of its kind, inside its transaction."""
    monitor = Monitor(team=team, kind=kind)
    _write(monitor, _plain(wanted))
    return monitor


def update_monitor(monitor: Monitor, wanted: Mapping[str, Any]) -> Monitor:
    """Change fields, if they differ. Raises `ValidationError` by field, `Monitor.DoesNotExist` if deleted meanwhile."""
    with transaction.atomic():
        current = Monitor.objects.select_for_update().get(pk=monitor.pk, deleted_at=None)
        changed = {name: value for name, value in _plain(wanted).items() if _differs(current, name, value)}
        _refuse_meaningless(current, changed)
        if "kind" in changed and (current.kind in DerivedKind or changed["kind"] in DerivedKind):
            raise ValidationError({"kind": ["The kind of this monitor cannot be changed."]})
        if changed:
            check_destination(current, wanted)
            current.revision += 1
            _write(current, changed)
    return current


def _plain(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
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
    """Delete a monitor. Its row stays for its incidents, without secrets; its name is free again."""
    with transaction.atomic():
        current = Monitor.objects.select_for_update().filter(pk=monitor.pk, deleted_at=None).first()
        if current is None:
            return
        current.revision += 1
        current.secrets = Secrets()
        current.deleted_at = Now()
        current.save(update_fields=["revision", "secrets", "deleted_at", "updated_at"])
        MonitorChange.record(current, ChangeKind.DELETED)
        touch(current.team_id)


def monitor_warnings(monitor: Monitor) -> list[str]:
    """Weaknesses of a monitor in words: its choice of regions, and what its checks cost; empty if it is sound."""
    if monitor.kind in DerivedKind:
        return []
    regions = list(monitor.regions.all())
    paused = [f"Paused by Vigil: {monitor.paused_why}."] if monitor.paused and monitor.paused_why else []
    clear = [f"{path} holds a credential in clear. Put it into `secrets`." for path in credentials_in(monitor.config)]
    costs = cost_warnings(monitor.config, len(regions), monitor.interval_s)
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


def _write(monitor: Monitor, wanted: Mapping[str, Any]) -> None:
    unknown = sorted(set(wanted) - SETTABLE)
    if unknown:
        raise ValidationError({unknown[0]: ["This cannot be set."]})
    action = ChangeKind.CREATED if monitor._state.adding else ChangeKind.CHANGED
    regions = wanted.get("regions")
    for name, value in wanted.items():
        if name != "regions":
            setattr(monitor, name, Secrets(value) if name == "secrets" else value)
    if not monitor.paused:
        monitor.paused_why = ""
    monitor.provider = provider_of(monitor.config)
    # A name from before there were rules for names does not stand in the way of a pause.
    validate_monitor(monitor, unchanged=("name",) if monitor.pk and "name" not in wanted else ())
    if regions is not None and len(regions) > MAX_REGIONS:
        raise ValidationError({"regions": [f"At most {MAX_REGIONS} regions can check one monitor."]})
    try:
        monitor.save()
    except IntegrityError as refused:
        # Another writer took the name after the check.
        if NAME_CONSTRAINT in str(refused):
            raise ValidationError({"name": [duplicate(NAME_TAKEN)]}) from None
        raise
    if regions is not None:
        monitor.regions.set(regions)
    MonitorChange.record(monitor, action, wanted)
    touch(monitor.team_id)


def validate_monitor(monitor: Monitor, unchanged: Sequence[str] = ()) -> None:
    """Validate a monitor but for fields that are `unchanged`; raises `ValidationError` keyed by field."""
    problems: dict[str, list[Any]] = {**row_problems(monitor, exclude=["config", "secrets", "tags", *unchanged])}
    if any(error.message == NAME_TAKEN for error in problems.get("__all__", [])):
        problems.pop("__all__")
        problems["name"] = [duplicate(NAME_TAKEN)]
    if monitor.timeout_ms and monitor.interval_s and monitor.timeout_ms > monitor.interval_s * 1000:
        problems.pop("__all__", None)
        problems["timeout_ms"] = [f"Must be at most the interval, {monitor.interval_s * 1000} ms."]
    for field, problem in (("tags", _tags_problem(monitor.tags)), ("secrets", _secrets_problem(monitor.secrets))):
        if problem:
            problems[field] = [problem]
    problems.update(_config_problem(monitor, {} if "secrets" in problems else monitor.secrets))
    least_s = _least_interval_s(monitor.kind)
    if monitor.interval_s and monitor.interval_s < least_s and "interval_s" not in problems:
        problems["interval_s"] = [f"A {monitor.kind} is checked every {least_s} s at most: its servers count requests."]
    if problems:
        raise ValidationError(problems)


def _least_interval_s(kind: str) -> int:
    from probes.probers import PROBERS

    return PROBERS[kind].least_interval_s if kind in PROBERS else 0


def _config_problem(monitor: Monitor, secrets: Mapping[str, str]) -> dict[str, list[Any]]:
    kind, config = monitor.kind, monitor.config
    if kind in DerivedKind:
        return {"config": ["Regions do not check this kind: it has no config."]} if config else {}
    # Imported late: most processes never write a monitor, and the probers load slowly.
    from probes.probers import SpecError, parse_spec, validate_secrets

    if not isinstance(config, Mapping):
        return {"config": ["Must be an object."]}
    if _is_not_storable(config):
        return {"config": ["Contains a zero byte or NaN, which cannot be stored."]}
    try:
        parse_spec(kind, config)
    except SpecError as refused:
        field = "kind" if refused.field == "kind" else "config"
        estimate = refusal_estimate(config, monitor.interval_s or 0) if "billed completion" in refused.problem else ""
        return {field: [below(refused.field if refused.field != field else "", refused.problem + estimate)]}
    try:
        validate_secrets(kind, secrets)
    except SpecError as refused:
        return {"secrets": [refused.problem]}
    return {}


def _is_not_storable(config: Any) -> bool:
    """Whether PostgreSQL would refuse it: its JSON has neither NUL nor NaN."""
    try:
        return "\\u0000" in json.dumps(config, allow_nan=False).replace("\\\\", "")
    except (ValueError, TypeError, RecursionError):
        return True


def _tags_problem(tags: Any) -> str:
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        return "Must be a list of words."
    if not all(map(is_visible_line, tags)):
        return "Words without line breaks, control characters or characters that reorder text."
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        return f"At most {MAX_TAGS} tags of {MAX_TAG_LENGTH} characters."
    return ""


def _secrets_problem(secrets: Mapping[str, str]) -> str:
    if len(secrets) > MAX_SECRETS:
        return f"At most {MAX_SECRETS} secrets."
    pairs = [(name, value) for name, value in secrets.items() if isinstance(name, str) and isinstance(value, str)]
    if len(pairs) < len(secrets) or any(not value or len(value) > MAX_SECRET_LENGTH for _, value in pairs):
        return f"Must be names with values of 1 to {MAX_SECRET_LENGTH} characters."
    return ""
