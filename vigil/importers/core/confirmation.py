"""Sensitivity that stands for how long another tool waits before it alerts, and notes that several tools need. Pure."""

from __future__ import annotations

NOT_REPEATED = "its alert is not repeated: set `remind` on the route for that"
NO_DOMAIN = "the expiry of its domain is not watched: add a `domain` monitor"
NO_MAINTENANCE = "its maintenance is left out: add one to the file"
#: Vigil's own proof takes ten seconds at `normal` and a minute at `low`.
_LOW_FROM_S, _NOTED_FROM_S = 60, 180


def sensitivity_for(wait_s: float | None) -> tuple[str, list[str]]:
    """Sensitivity for a tool that alerts after `wait_s` of failures (None if it says nothing), and a note or none."""
    if wait_s is None:
        return "", []
    if wait_s <= 0:
        return "high", []
    sensitivity = "low" if wait_s >= _LOW_FROM_S else ""
    if wait_s < _NOTED_FROM_S:
        return sensitivity, []
    return sensitivity, [f"it alerts after about a minute of proof from its regions; the source waits {wait_s:g} s"]
