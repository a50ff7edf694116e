"""Facts of status pages for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vigil.history.core.uptime import Settled
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.access import PageAccess, PageVisibility
from vigil.status.core.facts import ComponentFacts, PageFacts, PageFrame, PublicIncidentFacts, UpdateFacts
from vigil.status.core.states import PublicImpact, UpdateState

NOW = datetime(2026, 11, 29, 14, 9, tzinfo=UTC)
FRAME = PageFrame("https://vigil.test/status/acme", "/assets/vigil.css", "/assets/icons.svg", "/static/favicon.svg")
_NOTHING = Settled((), (), (), ())


def component(name: str = "Chat API", *shown: ShownState, group: str = "", position: int = 0) -> ComponentFacts:
    states = shown or (ShownState.UP,)
    spans = [_NOTHING for _ in states]
    return ComponentFacts(f"com_{position}", name, group, "", position, NOW - timedelta(days=100), states, spans)


def down_for(one: ComponentFacts, length: timedelta) -> ComponentFacts:
    """The component, down until now for so long."""
    end = int(NOW.timestamp())
    return replace(one, spans=[Settled(((end - int(length.total_seconds()), end),), (), (), ())])


def incident(*states: UpdateState, **more: Any) -> PublicIncidentFacts:
    """An incident with an update a minute, in these states."""
    updates = [
        UpdateFacts(f"upd_{place}", state, f"Words of {state.value}.", NOW - timedelta(minutes=30 - place))
        for place, state in enumerate(states or (UpdateState.INVESTIGATING,))
    ]
    wanted = {"title": "Chat API refuses connections", "impact": PublicImpact.MAJOR, **more}
    return PublicIncidentFacts(
        id="pin_1", started_at=NOW - timedelta(minutes=30), updates=updates,
        components=wanted.pop("components", frozenset({"com_0"})), **wanted,
    )  # fmt: skip


#: Of a page behind a password, whose hash opens for none.
CLOSED = PageAccess(PageVisibility.PASSWORD, "hash")


def page(*components: ComponentFacts, **more: Any) -> PageFacts:
    facts = PageFacts(
        id="stp_1", slug="acme", title="Acme AI", header="", footer="", access=PageAccess(),
        created_at=NOW - timedelta(days=200), now=NOW, changed_at=NOW, heard_at=NOW,
        components=components or (component(),),
    )  # fmt: skip
    return replace(facts, **more)
