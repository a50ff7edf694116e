"""A status page for programs: JSON in the form of Atlassian Statuspage, and an Atom feed. Pure."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from vigil.status.core.facts import ComponentFacts, PageFacts, PageFrame, PublicIncidentFacts, UpdateFacts
from vigil.status.core.incidents.cards import incident_path
from vigil.status.core.incidents.told import as_told, postmortem_id, said_html
from vigil.status.core.languages.words import PageWords
from vigil.status.core.sentences import says, says_stale
from vigil.status.core.states import INDICATORS, PublicImpact, statuspage_word, worst

Json = dict[str, Any]
#: Incidents, and planned maintenance, of a document, as Statuspage has them: the newest.
INCIDENTS_MOST = 50


def json_documents(facts: PageFacts, frame: PageFrame) -> dict[str, bytes]:
    """The documents below `/api/v2/`, by their paths."""
    page = _page(facts, frame)
    status = {"indicator": INDICATORS.get(facts.state, PublicImpact.NONE).value, "description": says(facts)}
    components = _components(facts)
    every = _newest(facts, frame, are_failures=True)
    unresolved = [_incident(one, facts, frame) for one in facts.open_incidents]
    planned = _newest(facts, frame, are_failures=False)
    to_come = [_incident(one, facts, frame) for one in facts.open_maintenances]
    active = [_incident(one, facts, frame) for one in facts.open_maintenances if one.is_under_way]
    upcoming = [_incident(one, facts, frame) for one in facts.open_maintenances if not one.is_under_way]
    parts: dict[str, Json] = {
        "summary": {
            "components": components, "incidents": unresolved, "scheduled_maintenances": to_come, "status": status,
        },
        "status": {"status": status},
        "components": {"components": components},
        "incidents": {"incidents": every},
        "incidents/unresolved": {"incidents": unresolved},
        "scheduled-maintenances": {"scheduled_maintenances": planned},
        "scheduled-maintenances/active": {"scheduled_maintenances": active},
        "scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
    }  # fmt: skip
    return {f"api/v2/{name}.json": _encoded({"page": page, **part}) for name, part in parts.items()}


def stale_document(document: bytes, heard_at: datetime, words: PageWords) -> bytes:
    """The document whose status, where it has one, says since when its source has not been heard."""
    read = json.loads(document)
    if "status" not in read:
        return document
    read["status"]["description"] += f". {says_stale(heard_at, words)}"
    return _encoded(read)


def atom_feed(facts: PageFacts, frame: PageFrame) -> bytes:
    """Incidents, the newest first, each an entry with all that was said."""
    entries = "".join(_entry(one, frame, facts.words) for one in as_told(facts))
    title = facts.words.incidents_of.format(title=facts.title)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{facts.words.tag}">\n'
        f"<id>{escape(frame.address)}/history.atom</id>\n<title>{_text(title)}</title>\n"
        f"<updated>{_at(facts.changed_at)}</updated>\n<author><name>{_text(facts.title)}</name></author>\n"
        f'<link rel="self" type="application/atom+xml" href="{escape(frame.address)}/history.atom"/>\n'
        f'<link rel="alternate" type="text/html" href="{escape(frame.address)}"/>\n{entries}</feed>\n'
    ).encode()


def _newest(facts: PageFacts, frame: PageFrame, *, are_failures: bool) -> list[Json]:
    """What was last, also where the page for people shows it no more."""
    known = [one for one in (*facts.incidents, *facts.earlier) if one.is_failure is are_failures]
    # None that is open gives way to what is over.
    kept = sorted(known, key=lambda one: (one.is_open, one.started_at, one.id), reverse=True)[:INCIDENTS_MOST]
    ordered = sorted(kept, key=lambda one: (one.started_at, one.id), reverse=True)
    return [_incident(one, facts, frame) for one in ordered]


def _page(facts: PageFacts, frame: PageFrame) -> Json:
    return {
        "id": facts.id,
        "name": facts.title,
        "url": frame.address,
        "time_zone": "Etc/UTC",
        "updated_at": _at(facts.changed_at),
    }


def _components(facts: PageFacts) -> list[Json]:
    """Components in their order, before those of a group the group, which names them."""
    rows: list[Json] = []
    for name, members in groupby(facts.components, key=lambda one: one.group):
        told = [_component(one, facts) for one in members]
        if name:
            rows.append(_group(name, told, facts))
        rows += told
    return [{**row, "position": place} for place, row in enumerate(rows, 1)]


def _group(name: str, members: list[Json], facts: PageFacts) -> Json:
    ids = [one["id"] for one in members]
    state = worst(facts.state_of(one) for one in facts.components if one.id in ids)
    about = {"id": _group_id(facts, name), "name": name, "status": statuspage_word(state), "description": None}
    ages = {field: min(one[field] for one in members) for field in ("created_at", "start_date")}
    return {**members[0], **about, **ages, "group_id": None, "group": True, "components": ids}


def _group_id(facts: PageFacts, name: str) -> str:
    """A group has no row: it is the same one while it has its name."""
    return f"grp_{hashlib.sha256(f'{facts.id} {name}'.encode()).hexdigest()[:24]}"


def _component(one: ComponentFacts, facts: PageFacts) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "status": statuspage_word(facts.state_of(one)),
        "created_at": _at(one.created_at),
        "updated_at": _at(facts.changed_at),
        "position": one.position + 1,
        "description": one.description or None,
        "showcase": True,
        "start_date": one.created_at.date().isoformat(),
        "group_id": _group_id(facts, one.group) if one.group else None,
        "page_id": facts.id,
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> Json:
    affected = [_component(each, facts) for each in facts.components if each.id in one.components]
    made: Json = {
        "id": one.id,
        "name": one.title,
        "status": _POSTMORTEM if one.postmortem_at else one.state.value,
        "created_at": _at(one.announced_at),
        "updated_at": _at(one.updated_at),
        "monitoring_at": next((_at(each.at) for each in one.updates if each.state == "monitoring"), None),
        "resolved_at": _at(one.resolved_at) if one.resolved_at else None,
        "impact": one.impact.value if one.is_failure else "maintenance",
        "shortlink": f"{frame.address}/{incident_path(one.id)}",
        "started_at": _at(one.started_at),
        "page_id": facts.id,
        "incident_updates": [_update(each, each.state.value, one) for each in reversed(one.updates)],
        "components": affected,
    }
    if one.postmortem_at is not None:
        told = UpdateFacts(postmortem_id(one), one.state, one.postmortem, one.postmortem_at)
        # Subscribers get letters of updates alone.
        postmortem = {**_update(told, _POSTMORTEM, one), "deliver_notifications": False}
        made["incident_updates"] = [postmortem, *made["incident_updates"]]
    if one.planned is not None:
        made |= {"scheduled_for": _at(one.planned[0]), "scheduled_until": _at(one.planned[1])}
    return made


#: The state of an incident with a postmortem in Statuspage's form, where it is an update too.
_POSTMORTEM = "postmortem"


def _update(each: UpdateFacts, state: str, one: PublicIncidentFacts) -> Json:
    return {
        "id": each.id,
        "status": state,
        "body": each.text,
        "incident_id": one.id,
        "created_at": _at(each.at),
        "updated_at": _at(each.edited_at or each.at),
        "display_at": _at(each.at),
        "affected_components": None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _entry(one: PublicIncidentFacts, frame: PageFrame, words: PageWords) -> str:
    said = said_html(one, words, lambda at: f"{words.moment(at)} UTC")
    return (
        f"<entry>\n<id>{escape(frame.address)}#{one.id}</id>\n<title>{_text(one.title)}</title>\n"
        f"<published>{_at(one.announced_at)}</published>\n<updated>{_at(one.updated_at)}</updated>\n"
        f'<link rel="alternate" type="text/html" href="{escape(frame.address)}/{incident_path(one.id)}"/>\n'
        f'<content type="html">{_text(said)}</content>\n</entry>\n'
    )


def _text(text: str) -> str:
    """Text as XML 1.0 can hold it: it has no control characters but tab and line ends."""
    return escape("".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff")))


def _encoded(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _at(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
