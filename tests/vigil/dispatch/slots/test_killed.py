"""A dispatcher killed between a canary's reservation and its order, or just after: nothing twice, no overdraft."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection, transaction

from probes.reasons import Reason, Status
from probes.wire import CANARY_KIND, WIRE_VERSION, Lane, Phases, Result
from tests.vigil.dispatch.test_service import REGIONS, Floor, dispatching, floor
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.canaries.core.budget import LAPSES_AFTER_MS
from vigil.canaries.models import Canary
from vigil.canaries.reserving import CanarySlot, reserve_slots
from vigil.canaries.rows import account_of, limit_of, spec_of
from vigil.canaries.settling import settle_results
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

__all__ = ["floor"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

INTERVAL_MS = 5_000
#: Answers that the budget pays for.
PAID = 2
#: The real dispatcher, killed at the line after a method of this class has done its work.
_KILLED = """
import django, os, signal, sys
django.setup()
from vigil.cli import main
from vigil.dispatch.bus import Bus
from vigil.dispatch.slots.canaries import CanaryTurns
kind, name = {"reserved": (CanaryTurns, "_reserved"), "sent": (Bus, "send")}[sys.argv[1]]
method = getattr(kind, name)
def killed(*given):
    done = method(*given)
    if done:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(kind, name, killed)
main(["dispatch"])
"""


def luna() -> Monitor:
    """A canary in both regions whose budget pays for so many answers and no more."""
    regions = [Region.objects.create(slug=slug, domain=domain) for slug, domain in REGIONS.items()]
    config = {
        "url": "https://api.openai.com/v1/chat/completions",
        "form": "openai_chat",
        "model": "gpt-5.6-luna",
        "billing_acknowledged": True,
        "monthly_budget": 1.0,
    }
    canary = create_monitor(default_team(), {"name": "luna", "kind": CANARY_KIND, "config": config, "regions": regions})
    config["monthly_budget"] = PAID * answer_nanos(canary) / 1e9
    # Below what a form would save, so that the test is short.
    Monitor.objects.update(config=config, interval_s=INTERVAL_MS // 1000, timeout_ms=1000)
    return Monitor.objects.get()


def answer_nanos(canary: Monitor) -> int:
    """The most that one answer may cost."""
    spec = spec_of(canary)
    limit = limit_of(spec) if spec is not None else None
    assert limit is not None
    return limit.answer


def die(where: str) -> None:
    server = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0]
    env = {**os.environ, "VIGIL_DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}"}
    died = subprocess.run([sys.executable, "-c", _KILLED, where], env=env, timeout=99, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]


def orders(floor: Floor) -> list[tuple[int, str]]:
    """Slots and regions of the orders in the queues, taken out of them."""
    batches = [(region, batch) for region in REGIONS for batch in floor.batches(region, Lane.SCHEDULED)]
    return [(check.at_ms, region) for region, batch in batches for check in batch.checks]


def answer(canary: Monitor, at_ms: int, region: str) -> int:
    """The answer to an order comes, with 12 tokens in and 4 out."""
    result = Result(
        WIRE_VERSION, canary.public_id, at_ms, Status.UP, Reason.OK, at_ms, Phases(), f"can_{at_ms}", 0, 1, 200, "",
        {"input_tokens": 12, "output_tokens": 4}, canary.revision,
    )  # fmt: skip
    regions = dict(Region.objects.values_list("pk", "slug"))
    key = next(key for key, slug in regions.items() if slug == region)
    with transaction.atomic():
        return settle_results([(key, result)], regions)


@pytest.mark.parametrize("where", ["reserved", "sent"])
def test_a_killed_dispatcher_sends_nothing_twice_and_spends_nothing_beyond_the_budget(floor: Floor, where: str) -> None:
    canary = luna()
    most = answer_nanos(canary)
    die(where)
    [killed] = account_of(Canary.objects.get()).reserved.items()
    sent = orders(floor)
    assert sent == ([(killed[0], killed[1].region)] if where == "sent" else [])

    def is_over() -> bool:
        floor.live()
        sent.extend(orders(floor))
        left = PAID if where == "sent" else PAID - 1
        return len(sent) >= left and floor.now_ms() > max(sent)[0] + INTERVAL_MS + 1_500

    with dispatching():
        until(is_over, "a turn after the last that is paid for", 60)
    # The one that was lost is paid for as well, and is never asked again.
    assert len(set(sent)) == len(sent) == PAID - (where == "reserved")
    account = account_of(Canary.objects.get())
    assert (account.spent, account.committed) == (0, PAID * most)

    assert [answer(canary, *order) for order in sent * 2] == [1] * len(sent) + [0] * len(sent)
    if where == "reserved":
        row = Canary.objects.get()
        Canary.objects.update(reserved={str(killed[0] - LAPSES_AFTER_MS - 60_000): row.reserved[str(killed[0])]})
        # Nobody knows what came of it, so it counts as the most that it could cost: there is no room for another.
        assert reserve_slots([CanarySlot(canary.public_id, canary.revision, "eu-west", floor.now_ms())]) == [False]
    settled = account_of(Canary.objects.get())
    assert settled.spent == len(sent) * 7_200 + (most if where == "reserved" else 0)
    assert killed[0] not in settled.reserved
