"""Specimens of filter bars, form fields, runs of jobs and texts to copy, and the longest and foreign names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vigil.heartbeats.core.run_history import PastRun, RunSlot
from vigil.heartbeats.showing.run_bars import run_bars
from vigil.web.parts.fields import FormField, problems
from vigil.web.parts.filter_bars import FilterBar, FilterChip, FilterSelect, SelectOption

LONGEST = "An endpoint whose name was written by a person who likes to say everything in one place, and then once more"
ARABIC = "واجهة برمجة التطبيقات للدردشة"


def filter_bars() -> dict[str, dict[str, Any]]:
    """Without and with chosen filters."""
    selects = [
        FilterSelect("state", "State", [SelectOption("", "Any state"), SelectOption("down", "Down", True)]),
        FilterSelect("sort", "Sort by", [SelectOption("problems", "Problems first"), SelectOption("name", "Name")]),
    ]
    chips = [FilterChip("state: down", "?"), FilterChip(f"tag: {LONGEST}", "?"), FilterChip(f"tag: {ARABIC}", "?")]
    return {
        "nothing chosen": {"bar": FilterBar("Search 500 monitors", "", selects)},
        "many chosen": {"bar": FilterBar("Search 500 monitors", "chat", selects, chips)},
    }


def fields() -> dict[str, dict[str, Any]]:
    """Each kind of control."""
    hint = "We look at it from every region."
    return {
        "empty": {"field": FormField("one", "Address", kind="url", hint=hint)},
        "with an error": {
            "field": FormField("two", "Address", "x", hint=hint, errors=["Begin with https:// or http://."])
        },
        "a choice": {
            "field": FormField("three", "Interval", "60", "select", options=[("30", "30 s"), ("60", "1 min")])
        },
        "many lines": {"field": FormField("four", "Note", LONGEST, "textarea")},
        "a stored secret": {"field": FormField("five", "Key", "k9Qz", "stored")},
        "a number with its unit": {"field": FormField("seven", "Timeout", "10000", "number", unit="ms")},
        "a box": {"field": FormField("eight", "Follow redirects", "on", "checkbox")},
        "boxes": {"field": FormField("nine", "Regions", "eu", "checks", options=[("eu", "eu-west"), ("us", ARABIC)])},
        "kept in a file": {"field": FormField("six", "Name", ARABIC, fixed="kept in vigil.yaml")},
    }


def list_of_problems() -> dict[str, dict[str, Any]]:
    """The list on top of a form."""
    found = problems({"two": ["Begin with https:// or http://."], "__all__": ["A monitor of this name is there."]})
    return {"2": {"problems": found}}


def runs(at: datetime) -> dict[str, dict[str, Any]]:
    """Runs of a job: well, late, failed, overlapping, missed, and one that goes on."""
    hour, short = timedelta(hours=1), timedelta(minutes=9)
    slots = [
        RunSlot(at - n * hour, (PastRun(at - n * hour + short, short + n % 5 * short / 3),)) for n in range(30, 5, -1)
    ]
    slots += [
        RunSlot(at - 5 * hour, (PastRun(at - 4 * hour, 3 * short),)),
        RunSlot(at - 4 * hour),
        RunSlot(at - 3 * hour, (PastRun(at - 3 * hour + short, short, failed=True),)),
        RunSlot(at - 2 * hour, (PastRun(at - 2 * hour, short), PastRun(at - 2 * hour + short, short, overlaps=True))),
        RunSlot(at, (PastRun(at, short, running=True),)),
    ]
    return {"many": {"bars": run_bars(slots)}, "1": {"bars": run_bars(slots[:1])}}


def texts_to_copy() -> dict[str, dict[str, Any]]:
    """A line, and a text that is wider than its place."""
    return {
        "1": {"name": "Address", "text": "https://vigil.example/ping/856bd177"},
        "longest": {"name": "curl", "text": f"curl -fsS -m 10 https://vigil.example/ping/856bd177 --data '{LONGEST}'"},
    }
