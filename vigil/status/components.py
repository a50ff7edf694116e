"""Components of a status page: what they may be, and which of them stay when they are replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from vigil.monitors.validation import MAX_TAG_LENGTH
from vigil.problems.rows import duplicate, row_problems
from vigil.status.models import PageComponent, StatusPage
from vigil.visible_text import is_visible_line

MAX_COMPONENTS = 100
Problems = dict[str, list[Any]]


def check_components(page: StatusPage, components: Sequence[Mapping[str, Any]], problems: Problems) -> None:
    """Add what is wrong with them to the problems."""
    if len(components) > MAX_COMPONENTS:
        problems["components"] = [f"At most {MAX_COMPONENTS}."]
        return
    names = [one.get("name", "") for one in components]
    for one in components:
        found = row_problems(_component(page, one, 0), exclude=["public_id", "page"])
        found.pop("__all__", None)
        monitor, tag, name = one.get("monitor"), one.get("tag") or "", one.get("name", "")
        where = f"{name}: " if name else ""
        told = [f"{where}{text}" for each in found.values() for error in each for text in error.messages]
        if bool(monitor) == bool(tag):
            told.append(f"{where}Give either a monitor or a tag.")
        elif monitor is not None and monitor.team_id != page.team_id:
            told.append(f"{where}This monitor is another team's.")
        if tag and not (len(tag) <= MAX_TAG_LENGTH and is_visible_line(tag)):
            told.append(f"{where}A tag is one line of visible text.")
        if told:
            problems.setdefault("components", []).extend(told)
        elif names.count(name) > 1 and not any("taken" in str(each) for each in problems.get("components", ())):
            problems.setdefault("components", []).append(duplicate(f"{name}: this name is taken."))


def _component(page: StatusPage, given: Mapping[str, Any], position: int) -> PageComponent:
    return PageComponent(
        page=page,
        name=given.get("name", ""),
        group=given.get("group") or "",
        description=given.get("description") or "",
        monitor=given.get("monitor"),
        tag=given.get("tag") or "",
        provider=given.get("provider") or "",
        shows_latency=bool(given.get("shows_latency")),
        position=position,
    )


def replace_components(page: StatusPage, components: Sequence[Mapping[str, Any]]) -> None:
    """Make these the components of a page, inside the caller's transaction."""
    wanted = [_component(page, one, place) for place, one in enumerate(components)]
    known = list(page.components.all())
    kept = _matched(known, wanted)
    gone = [one for one in known if one not in kept.values()]
    refuse_silence(page, gone)
    page.components.filter(pk__in=[one.pk for one in gone]).delete()
    for place, one in enumerate(wanted):
        before = kept.get(place)
        if before is not None:
            one.pk, one.public_id, one.created_at = before.pk, before.public_id, before.created_at
            one._state.adding = False
        one.save()


def _matched(known: Sequence[PageComponent], wanted: Sequence[PageComponent]) -> dict[int, PageComponent]:
    """Which component each of the wanted ones, by its place, is: by name, else by what it is about."""
    by_name = {one.name: one for one in known}
    kept = {place: by_name[one.name] for place, one in enumerate(wanted) if one.name in by_name}
    rest = [one for one in known if one not in kept.values()]
    for place, one in enumerate(wanted):
        same = [each for each in rest if (each.monitor_id, each.tag) == (one.monitor_id, one.tag)]
        if place not in kept and same:
            kept[place] = same[0]
            rest.remove(same[0])
    return kept


def refuse_silence(page: StatusPage, gone: Sequence[PageComponent]) -> None:
    """Refuse to remove all that an open incident names: it would be about the page as a whole from then on."""
    ids = {one.pk for one in gone}
    hit = page.incidents.filter(resolved_at=None, components__in=gone).distinct().prefetch_related("components")
    for incident in hit:
        if all(one.pk in ids for one in incident.components.all()):
            names = ", ".join(one.name for one in incident.components.all())
            raise ValidationError(
                {"components": [f"{names}: the open incident “{incident.title}” names nothing else. End it first."]}
            )
