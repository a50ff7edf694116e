"""One row of every kind that an address of the API can name, for tests that ask every operation."""

from __future__ import annotations

import uuid

from django.utils import timezone

from tests.vigil.api.caller import Api
from tests.vigil.api.test_every_route import rows
from tests.vigil.incidents.decided import decided_incident
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery
from vigil.api.openapi.examples import REQUESTS
from vigil.deadletters.models import DeadLetter
from vigil.feeds.core.catalogue import SOURCES
from vigil.heartbeats.models import Heartbeat, StoredPing
from vigil.monitors.models import Monitor
from vigil.problems.codes import ProblemCode

#: The document of a plan that can be applied: that of the example, which must be right.
DOCUMENT = REQUESTS["PlanOrderRequest"]["document"]


def planted(api: Api) -> dict[str, dict[str, str]]:
    """Parameters of addresses by what stands before them, such as {"monitors": {"public_id": "mon_1"}}.

    `api` has every scope of a member of staff.
    """
    made = rows(api)
    found = {path: {"public_id": name, "slug": name, "name": name} for path, name in made.items()}
    incident, now = decided_incident(default_team()), timezone.now()
    incident.monitor = Monitor.objects.get(public_id=made["monitors"])
    incident.save(update_fields=["monitor"])
    delivery = Delivery.objects.create(
        team=default_team(), incident=incident, transition=incident.transitions.get(seq=1), state="dead", attempts=4,
        channel=Channel.objects.get(public_id=made["channels"]), event="trigger", created_at=now, due_at=now,
    )  # fmt: skip
    letter = DeadLetter.objects.create(source="witness", step="feed", error="broke", fingerprint=b"1", last_at=now)
    heartbeat = Heartbeat.objects.get(monitor__public_id=made["heartbeats"])
    ping = StoredPing.objects.create(
        id=uuid.uuid4(), heartbeat=heartbeat, n=1, at=now, kind="success", method="POST", body=b"done", body_size=4
    )
    stands_in = {"person": made["people"], "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}
    override = _made(api, f"rotations/{made['rotations']}/overrides", stands_in)
    plan = _made(api, "plans", {"document": DOCUMENT})
    token = _made(api, "tokens", {"name": "of a program"})
    found["heartbeats"] |= {"n": str(ping.n), "slug": heartbeat.slug}
    found["rotations"]["override"] = override
    for path, state in (("public-incidents", "identified"), ("scheduled-maintenances", "in_progress")):
        draft = _made(api, f"{path}/{made[path]}/updates", {"state": state, "text": "x", "is_draft": True})
        found[path]["update"] = draft
    ids = {"incidents": incident.public_id, "deliveries": delivery.public_id, "dead-letters": letter.public_id}
    found |= {path: {"public_id": name} for path, name in {**ids, "plans": plan, "tokens": token}.items()}
    found["feeds"] = {"provider": next(iter(SOURCES))}
    found["problems"] = {"code": ProblemCode.NOT_FOUND.value}
    return found


def _made(api: Api, path: str, body: object) -> str:
    status, answer = api("POST", path, body)
    assert status == 201, (path, answer)
    return str(answer["id"])
