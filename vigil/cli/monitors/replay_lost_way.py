"""Replay of an incident of regions that have lost their way together: the table of rows and columns, judged again."""

from __future__ import annotations

import json
from typing import Any

from consensus.lost_way.law import is_same, replay
from consensus.proof import from_evidence, is_proof


def replay_lost_way(public_id: str, as_json: bool) -> int | None:
    """Print the table and what the law finds in it; None for an incident that has none. 1 where it finds another."""
    from vigil.incidents.models import Incident, Transition

    steps = Transition.objects.filter(incident__public_id=public_id).order_by("seq")
    step = next((one for one in steps if is_proof(one.evidence)), None)
    if step is None:
        return None
    stored = from_evidence(step.evidence)
    again = replay(stored)
    same = is_same(stored, again)
    title = Incident.objects.values_list("title", flat=True).get(public_id=public_id)
    if as_json:
        found: dict[str, Any] = {"lost": again.lost, "seeing": again.seeing} if again else {"lost": [], "seeing": []}
        rows = [{"monitor": row.monitor, "failing": row.failing, "passing": row.passing} for row in stored.rows]
        print(json.dumps({"incident": public_id, "title": title, "same": same, "replayed": found, "rows": rows}))
        return 0 if same else 1
    print(f"{public_id}: {title}")
    print(f"\nStep {step.seq}, {step.step} ({step.reason}), {step.at:%Y-%m-%d %H:%M:%S} UTC\n  {step.text}\n")
    for row in stored.rows:
        print(f"  {row.monitor}  failed in {', '.join(row.failing)}; passed in {', '.join(row.passing)}")
    print("\n  Decided again from these rows: " + ("the same." if same else "NOT the same!"))
    return 0 if same else 1
