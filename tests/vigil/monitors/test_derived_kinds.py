"""Monitors that no region looks at are made by their own write paths, and dispatch leaves them alone."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from vigil.accounts.teams import default_team
from vigil.dispatch.catalogue import load_plans, load_revisions
from vigil.monitors.changes import create_derived, create_monitor, update_monitor
from vigil.monitors.models import DerivedKind, Monitor

pytestmark = pytest.mark.django_db


def plain() -> Monitor:
    return create_monitor(default_team(), {"name": "api", "kind": "http", "config": {"url": "https://example.test/"}})


@pytest.mark.parametrize("kind", DerivedKind.values)
def test_a_derived_monitor_is_not_made_like_one_that_is_looked_at(kind: str) -> None:
    with pytest.raises(ValidationError, match="on its own page"):
        create_monitor(default_team(), {"name": "x", "kind": kind, "config": {}})


def test_dispatch_plans_nothing_for_a_derived_monitor() -> None:
    watched, derived = plain(), create_derived(default_team(), DerivedKind.HEARTBEAT, {"name": "nightly"})

    assert set().union(*load_plans()) == set(load_revisions()) == {watched.public_id}
    assert derived.target == "nightly"


@pytest.mark.parametrize(("was", "becomes"), [("heartbeat", "http"), ("http", "composite")])
def test_a_kind_does_not_change_between_derived_and_looked_at(was: str, becomes: str) -> None:
    monitor = plain() if was == "http" else create_derived(default_team(), DerivedKind(was), {"name": "nightly"})
    with pytest.raises(ValidationError, match="cannot be changed"):
        update_monitor(monitor, {"kind": becomes})


def test_a_derived_monitor_has_no_configuration_of_a_prober() -> None:
    derived = create_derived(default_team(), DerivedKind.HEARTBEAT, {"name": "nightly", "tags": ["jobs"]})
    with pytest.raises(ValidationError, match="has none: regions do not check it"):
        update_monitor(derived, {"config": {"url": "https://example.test/"}})
