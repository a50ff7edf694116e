"""The longest explanation there can be stays within its bound, and keeps what matters."""

from __future__ import annotations

import httpx

from probes.reasons import Reason, Status
from vigil.mcp.api import CallerApi
from vigil.mcp.core.bounds import ANSWER_MOST, size_of
from vigil.mcp.core.state_facts import Alternative, FeedWord, KeyTrend, RegionSight, StateFacts
from vigil.mcp.tools.explanation import explained

LONG = '"\\\\' * 300


def test_an_explanation_drops_regions_before_it_drops_the_answer() -> None:
    api = CallerApi(f"https://{'v' * 60}.example.com", "vgl_x", httpx.MockTransport(lambda _: httpx.Response(500)))
    ids = [f"mon_{n:016}" for n in range(30)]
    facts = StateFacts(
        ids[0], LONG, Status.DOWN, "elevenlabs", region="r" * 40, reason=Reason.HTTP_5XX, flapping=True,
        sights=[RegionSight(f"{n:040}", Status.DOWN, Reason.HTTP_5XX, LONG) for n in range(30)],
        key=KeyTrend(LONG), feed=FeedWord("elevenlabs", True, [LONG] * 9),
        same_model=[Alternative(id, LONG, Status.UP, "azure", True, 12_345.6) for id in ids[1:]],
    )  # fmt: skip
    others = [{"id": id, "name": LONG, "status": "degraded"} for id in ids]
    found = explained(api, facts, "inc_0000000000000000", others)
    assert size_of(found) <= ANSWER_MOST
    assert len(found.route_to) == 3 and found.feed and found.left_out + len(found.regions) + len(found.others) == 60
