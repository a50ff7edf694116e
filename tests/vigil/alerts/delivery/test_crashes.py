"""The sender is killed at every commit, send and acknowledgement, singly and in pairs; the delivery law holds."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection

from tests.vigil.alerts.crashing import Death, Life, Scene, Steps, invariants, live, provider, run_to_the_end
from vigil.alerts.crashpoints import CrashPoint
from vigil.alerts.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)


def play(number: int, place: tuple[Any, str], points: Sequence[CrashPoint] = (), life: Life = live) -> Death:
    """A storm begins and ends, the sender dying at the points on the way; returns what was left of its deaths."""
    death, scene = Death(points), Scene(number, *place)
    scene.begin()
    run_to_the_end(death, life)
    scene.end()
    run_to_the_end(death, life)
    invariants(scene, len(points) - len(death.left))
    scene.retire()
    return death


def test_without_a_death_each_message_is_accepted_once() -> None:
    with provider() as place:
        play(0, place)


def test_a_death_at_any_point_loses_nothing_and_overtakes_nothing() -> None:
    with provider() as place:
        survived = [point for number, point in enumerate(CrashPoint, 1) if play(number, place, [point]).left]
    assert survived == [], "points that no sender ever reaches"


@pytest.mark.timeout(400)
def test_two_deaths_at_any_two_points_lose_nothing_and_overtake_nothing() -> None:
    with provider() as place:
        steps = Steps()
        for number, points in enumerate(itertools.combinations_with_replacement(CrashPoint, 2), 1000):
            try:
                play(number, place, points, steps.live)
            except AssertionError as broken:
                raise AssertionError(f"{points[0]} then {points[1]}: {broken}") from broken
        steps.close()


@pytest.mark.parametrize("point", [CrashPoint.CLAIM_COMMITTED, CrashPoint.SEND_ACCEPTED, CrashPoint.RECORD_WRITTEN])
def test_a_process_killed_outright_there_loses_nothing(point: CrashPoint) -> None:
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    with provider() as place:
        scene = Scene(1, *place)
        scene.begin()
        ours = {"VIGIL_DATABASE_URL": url, "VIGIL_HEALTH_PORT": "0", "VIGIL_CRASH_AT": f"{point}:1"}
        killed = subprocess.run([sys.executable, "-m", "vigil.cli", "deliver"], env={**os.environ, **ours}, timeout=60)
        assert killed.returncode == -9
        assert Delivery.objects.filter(state="sending").exists()
        expire()
        run_to_the_end(Death(()))
        scene.end()
        run_to_the_end(Death(()))
        invariants(scene, 1)


def expire() -> None:
    """As if the lease of a process that is gone had run out."""
    Delivery.objects.filter(state="sending").update(lease_until="2020-01-01T00:00:00Z")
