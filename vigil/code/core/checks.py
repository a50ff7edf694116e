"""Checks across the fields and objects of a document: references, names, cycles, times. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from vigil.code.core.durations import duration
from vigil.code.core.fields.schedules import schedule_problems, window_problems
from vigil.code.core.fields.types import PUBLIC_ID
from vigil.code.core.kind_fields import Reading
from vigil.code.core.objects import Wanted
from vigil.code.core.sections.shape import WATCHED
from vigil.code.core.sections.table import SECTIONS, references_of_field
from vigil.code.core.tree import DocumentProblem, nearest, shown
from vigil.monitors.core.composite_rules import RANKED, CompositeRule

Objects = Mapping[str, Mapping[str, Wanted]]


def check_objects(reading: Reading, objects: Objects) -> None:
    """Note what is wrong between fields and objects that are each well formed."""
    for section, found in objects.items():
        for wanted in found.values():
            for words, name in _problems(reading, wanted) if wanted.is_judged else ():
                _refuse(reading, wanted, name, words)
            for words, name in _lost_references(section, wanted, objects):
                _refuse(reading, wanted, name, words)
    _check_names(reading, objects)
    if not reading.problems:
        _check_circles(reading, objects)


def _refuse(reading: Reading, wanted: Wanted, name: str, words: str) -> None:
    place = wanted.places.get(name, wanted.place)
    reading.problems.append(DocumentProblem(place, f"{wanted.section}.{wanted.key}", words))


def _problems(reading: Reading, wanted: Wanted) -> Iterable[tuple[str, str]]:
    fields = wanted.fields
    if wanted.section == "monitors":
        yield from _of_monitor(reading, fields)
    elif wanted.section == "heartbeats":
        given = [name for name in ("every", "cron", "on_calendar") if fields[name] is not None]
        if len(given) != 1:
            yield f"give one of every, cron and on_calendar{', not ' + ' and '.join(given) if given else ''}", "every"
        elif given != ["every"]:
            yield from schedule_problems(fields, given[0])
    elif wanted.section == "composites":
        yield from _of_composite(fields)
    elif wanted.section == "routes":
        if (fields["starts"] is None) != (fields["ends"] is None):
            yield "give starts and ends, or neither", "starts"
    elif wanted.section == "policies":
        for place, step in enumerate(fields["steps"], start=1):
            if not any(step.get(name) for name in ("channels", "people", "rotations")):
                yield f"step {place} has no channels, people or rotations", "steps"
    elif wanted.section == "status_pages":
        yield from _of_status_page(fields)
    elif wanted.section in ("silences", "maintenance"):
        yield from _of_silence(fields)
    elif wanted.section == "objectives" and bool(fields["monitor"]) == bool(fields["tag"]):
        yield "give a monitor or a tag", "monitor"


def _of_monitor(reading: Reading, fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if fields["timeout"] > fields["interval"] * 1_000:
        timeout, interval = duration(fields["timeout"]), duration(fields["interval"] * 1_000)
        yield f"the timeout of {timeout} is longer than the interval of {interval}", "timeout"
    # Without a kind it is refused for that.
    least_s = reading.catalogue.least_interval_s(fields["kind"]) if "kind" in fields else 0
    if fields["interval"] < least_s:
        yield f"interval: every check counts there, so at least {duration(least_s * 1_000)}", "interval"
    if "kind" in fields:
        problem = reading.catalogue.price_problem(fields["kind"], fields["config"], fields["interval"])
        if problem:
            yield problem, fields["kind"]


def _of_composite(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    members = [key for link in fields["members"] for key in link["monitors"]]
    if fields["rule"] not in RANKED and any(link["group"] or len(link["monitors"]) != 1 for link in fields["members"]):
        yield "only a chain has links of several monitors", "members"
    if fields["rule"] not in RANKED and len(set(members)) < len(members):
        yield "a key is here twice", "members"
    if fields["rule"] == CompositeRule.AT_LEAST and not fields["k"] <= len(members):
        yield f"k: at most all {len(members)} members can be required", "k"


def _of_silence(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if not (fields["mutes"] or fields["pauses"] or fields["excludes"]):
        yield "it must mute, pause or exclude", "mutes"
    if fields["regions"] and (not fields["mutes"] or fields["pauses"] or fields["excludes"]):
        yield "a silence of regions only mutes: it neither pauses nor excludes", "regions"
    if not (fields["every_monitor"] or fields["monitors"] or fields["tags"]):
        yield "give monitors or tags, or every_monitor: true", "monitors"
    if not fields["cron"] and not (fields["starts_at"] and fields["ends_at"]):
        yield "give starts_at and ends_at, or cron and duration", "starts_at"
    elif fields["cron"] and not fields["duration"]:
        yield "give the duration of each window", "cron"
    else:
        yield from window_problems(fields)


def _lost_references(section: str, wanted: Wanted, objects: Objects) -> Iterable[tuple[str, str]]:
    for name, kind in SECTIONS[section].fields.items():
        for sections, key in references_of_field(kind.type, wanted.fields.get(name)):
            if PUBLIC_ID.match(key) or any(key in objects[other] for other in sections):
                continue
            known = [each for other in sections for each in objects[other]]
            hint = nearest(key, known) if known else f"this document has no {' or '.join(sections)}"
            yield f"{name}: there is no {shown(key)} in {', '.join(sections)}: {hint}", name


def _check_names(reading: Reading, objects: Objects) -> None:
    shared: dict[str, Wanted] = {}
    for section, found in objects.items():
        names = shared if section in WATCHED else {}
        for wanted in found.values():
            name = wanted.fields.get("name")
            other = names.setdefault(name, wanted) if name is not None and section != "routes" else wanted
            if other is not wanted and section not in ("silences", "maintenance"):
                _refuse(reading, wanted, "name", f"{other.section}.{other.key} has the name {shown(name)} too")


def _check_circles(reading: Reading, objects: Objects) -> None:
    parents = {key: list(wanted.fields.get("parents", ())) for key, wanted in objects["monitors"].items()}
    members = {
        key: [member for link in wanted.fields.get("members", ()) for member in link["monitors"]]
        for key, wanted in objects["composites"].items()
    }
    for section, graph, verb in (("monitors", parents, "needs"), ("composites", members, "contains")):
        known = {key: [other for other in others if other in graph] for key, others in graph.items()}
        try:
            TopologicalSorter(known).prepare()
        except CycleError as found:
            circle = list(reversed(found.args[1]))
            _refuse(reading, objects[section][circle[0]], "", f"a cycle: {f' {verb} '.join(circle)}")


def _of_status_page(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if fields["visibility"] == "addresses" and not fields["networks"]:
        yield "a page for addresses names its networks", "networks"
    names = [part.get("name", "") for part in fields["components"]]
    for place, part in enumerate(fields["components"], start=1):
        if not part.get("name"):
            yield f"component {place} has no name, which readers see in place of the monitor's", "components"
        elif names.count(part["name"]) > 1:
            yield f"component {place}: the name {shown(part['name'])} is here twice", "components"
        if bool(part.get("monitor")) == bool(part.get("tag")):
            yield f"component {place} has either a monitor or a tag", "components"
