"""The pages benchmark says clearly that it needs a browser, and writes the same scene for the same seed."""

from __future__ import annotations

import pytest
from django.utils import timezone

from vigil.accounts.teams import default_team
from vigil.bench.pages import browser
from vigil.bench.pages.rows import write_scene
from vigil.bench.pages.run import BUDGETS
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor
from vigil.read_models.core.overview_query import OverviewQuery
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.overview import read_overview


def test_without_chromium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "CHROMIUM", "/nowhere/chromium")
    with pytest.raises(browser.NoBrowser, match="install Debian's package chromium"), browser.chromium():
        pass


def test_its_figures_have_budgets() -> None:
    assert list(BUDGETS) == [
        "overview_500_fcp_ms", "overview_2000_fcp_ms", "overview_server_p95_ms", "overview_queries", "overview_kb",
        "monitor_kb", "axe_violations", "status_kb", "status_requests_per_s", "status_product_queries",
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_scene_has_trouble_of_each_kind_and_can_grow(redis_url: str) -> None:
    scene = write_scene(10)
    write_scene(5)
    assert Monitor.objects.count() == 15
    assert Incident.objects.filter(public_id=scene.incident, resolved_at=None).exists()
    found = read_overview(default_team(), OverviewQuery(), timezone.now())
    assert {row.state for row in found.trouble} == {ShownState.DOWN, ShownState.DEGRADED, ShownState.UNKNOWN}
    assert found.trouble[0].p95_ms is not None
