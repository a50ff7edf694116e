"""Sentences of a status page: how its services are, and that its news are old. Pure."""

from __future__ import annotations

from datetime import datetime

from vigil.status.core.facts import PageFacts
from vigil.status.core.languages.words import PageWords
from vigil.status.core.states import PublicState


def says(facts: PageFacts) -> str:
    """The banner's sentence; it names the component where only one is in trouble."""
    words = facts.words
    if not facts.components:
        return words.an_incident_open if facts.open_incidents else words.no_incident_open
    state = facts.state
    hit = [one for one in facts.components if facts.state_of(one) is state]
    if len(hit) == 1 and len(facts.components) > 1 and state in words.says_of_one:
        return words.says_of_one[state].format(name=hit[0].name)
    if state is PublicState.MAJOR_OUTAGE and len(hit) == len(facts.components):
        return words.all_down
    unmeasured = any(facts.state_of(one) is PublicState.NOT_MEASURED for one in facts.components)
    return words.all_measured_work if state is PublicState.OPERATIONAL and unmeasured else words.says[state]


def says_stale(heard_at: datetime, words: PageWords) -> str:
    """The sentence of a page whose source is silent."""
    return words.old_news.format(time=words.moment(heard_at))
