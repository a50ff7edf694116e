"""Export of a team's configuration as a document that changes nothing when it is planned."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vigil.accounts.models import Team
from vigil.code.catalogue import catalogue
from vigil.code.core.document import VERSION
from vigil.code.core.fields.types import KEY, PUBLIC_ID, Json
from vigil.code.core.kind_fields import PRESET, setting_path
from vigil.code.core.kinds import KindShape, written_config, written_name
from vigil.code.core.sections.shape import UNSET, WATCHED
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.state import Actual, comparable, lacks_subject, with_names
from vigil.code.models import ManagedObject
from vigil.code.stored.reading import read_state
from vigil.code.stored.rows import load_rows

_UNFIT = re.compile(r"[^a-z0-9]+")
_UNFIT_IN_VARIABLE = re.compile(r"[^A-Z0-9]+")


def export_document(team: Team, project: str, everything: bool = False, is_staff: bool = False) -> Json:
    """The document of what a project owns; with `everything`, also what no project owns, under new keys; for staff,
    with the regions.

    What is only about deleted monitors is left out: planning the rest changes nothing.

    Secrets are references, never values: those that it was applied with, else names of variables made from the keys.
    """
    managed = {row.public_id: row for row in ManagedObject.objects.filter(team=team, project=project)}
    sections: dict[str, dict[str, Json]] = {name: {} for name in SECTIONS}
    chosen = keyed_objects(team, project, managed, everything, is_staff)
    names = {one.public_id: key for _, key, one in chosen}
    for section, key, one in chosen:
        references = managed[one.public_id].references if one.public_id in managed else {}
        sections[section][key] = written_object(section, key, one, names, references)
    found: Json = {"version": VERSION, "project": project}
    for name, objects in sections.items():
        if objects:
            found[name] = dict(sorted(objects.items())) if name != "routes" else objects
    return found


def keyed_objects(
    team: Team, project: str, managed: Mapping[str, ManagedObject], everything: bool, is_staff: bool
) -> list[tuple[str, str, Actual]]:
    """What an export names, with its section and key. `managed` is what the project owns, by public id.

    The keys of what no project owns are made from the names: the same each time, until something is adopted.
    """
    state, keys = read_state(load_rows(team), project), _Keys(managed)
    chosen: list[tuple[str, str, Actual]] = []
    whole = (one for one in state.objects.values() if not lacks_subject(one))
    for one in sorted(whole, key=lambda one: (one.section, one.fields.get("position", 0), one.name)):
        row = managed.get(one.public_id)
        if row is not None:
            chosen.append((row.section, row.key, one))
        elif everything and one.public_id not in state.foreign and _is_exported(one, is_staff):
            section = "maintenance" if one.section == "silences" and one.fields["excludes"] else one.section
            chosen.append((section, one.name if section == "regions" else keys.new(section, one), one))
    return chosen


def _is_exported(one: Actual, is_staff: bool) -> bool:
    """Whether an object that no project owns is in a document of everything: staff alone can plan regions."""
    if one.section == "regions":
        return is_staff and bool(KEY.match(one.name))
    return one.section != "feeds"


def export_object(team: Team, public_id: str) -> Json:
    """The part of a document that makes one object, as a new project would write it; others by their names as keys."""
    state = read_state(load_rows(team), "")
    keys = _Keys({})
    named = {one.public_id: keys.new(one.section, one) for one in sorted(state.objects.values(), key=_by_name)}
    one = state.objects[public_id]
    section = "maintenance" if one.section == "silences" and one.fields["excludes"] else one.section
    return {"version": VERSION, section: {named[public_id]: written_object(section, named[public_id], one, named, {})}}


def _by_name(one: Actual) -> tuple[str, str]:
    return one.section, one.name


class _Keys:
    """New keys for objects that have none, made from their names."""

    def __init__(self, managed: Mapping[str, ManagedObject]) -> None:
        self._taken = {(_space(row.section), row.key) for row in managed.values()}

    def new(self, section: str, one: Actual) -> str:
        base = _UNFIT.sub("-", one.name.lower()).strip("-")[:80].strip("-")
        base = base if base and KEY.match(base) and not PUBLIC_ID.match(base) else SECTIONS[section].noun
        key, number = base, 2
        while (_space(section), key) in self._taken:
            key, number = f"{base}-{number}", number + 1
        self._taken.add((_space(section), key))
        return key


def _space(section: str) -> str:
    return "watched" if section in WATCHED else section


def written_object(
    section: str, key: str, one: Actual, names: Mapping[str, str], references: Mapping[str, str]
) -> Json:
    """One object, without what is usual."""
    found: Json = {}
    fields = one.fields
    table = SECTIONS[section]
    if fields.get("name") not in (None, key):
        found["name"] = one.written.get("name", table.fields["name"].type.written(fields["name"]))
    preset = _preset(one, references)
    if preset:
        order = (PRESET, *catalogue().preset_fields)
        found |= {name: preset["given"][name] for name in order if name in preset["given"]}
    elif table.kinds:
        shape = catalogue().kinds[table.kinds].get(fields["kind"])
        found[fields["kind"]] = fields["config"] if shape is None else _config(shape, one)
        if one.secrets:
            found["secrets"] = {
                name: references.get(name) or _reference(key, name)
                for name in sorted(one.secrets)
                if not (fields["kind"] == "webhook" and name == "secret" and name not in references)
            }
            found = {name: value for name, value in found.items() if value or name != "secrets"}
    for name, field in table.fields.items():
        if name == "name":
            continue
        value = with_names(field.type, fields.get(name), names)
        if preset and name == "tags":
            value = [tag for tag in value if tag not in preset["tags"]]
        default = preset.get(name, field.default) if name != "tags" else field.default
        usual = default is not UNSET and comparable(field.type, value) == comparable(field.type, default)
        if value is None or usual:
            continue
        if name in ("paused", "enabled") and value is (name == "enabled"):
            continue
        found[name] = one.written.get(name, field.type.written(value))
    return found


def names_in(one: Actual) -> set[str]:
    """Public ids of the monitors that a monitor or a composite names."""
    members = one.fields.get("members") or ()
    return {*(one.fields.get("parents") or ()), *(key for link in members for key in link["monitors"])}


def _preset(one: Actual, references: Mapping[str, str]) -> Json:
    """What the document gives for a preset, and what the preset gives; empty where the monitor is no longer its."""
    found: Json = one.written.get(PRESET, {})
    same = found and set(one.secrets) == set(references) and set(found["tags"]) <= set(one.fields["tags"])
    return found if same else {}


def _config(shape: KindShape, one: Actual) -> Json:
    """The config, its settings that have references as they were written."""
    found = written_config(shape, one.fields["config"])
    for name in one.fields["config"]:
        if setting_path(name) in one.written:
            found[written_name(shape, name)] = one.written[setting_path(name)]
    return found


def _reference(key: str, name: str) -> str:
    variable = _UNFIT_IN_VARIABLE.sub("_", f"{key}_{name}".upper()).strip("_")
    return f"${{env:{variable if not variable[:1].isdigit() else '_' + variable}}}"
