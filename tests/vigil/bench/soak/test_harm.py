"""A nemesis that fails is told in the report, and ends no run."""

from __future__ import annotations

import asyncio
import contextlib

from vigil.bench.soak.harm import NemesisActs
from vigil.bench.soak.installation import HarmedInstallation
from vigil.bench.soak.nemeses import NemesisKind, PlannedNemesis


def test_a_nemesis_that_fails_is_kept_with_its_cause_and_the_run_goes_on() -> None:
    with contextlib.closing(HarmedInstallation()) as installation:
        acts = NemesisActs(installation, {})
        asyncio.run(acts.attempt(PlannedNemesis(3.0, NemesisKind.PARTITION, ("far-9",), 1.0)))
    assert acts.failed == ["partition far-9 at 3 s: KeyError('far-9')"]
