"""Specimens of the components: none, one, many, longest, right to left, no data, stale, loading, disabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vigil.read_models.core.drawn_strips import DrawnDays, day_strip, quarter_strip
from vigil.read_models.core.shown_states import ShownState
from vigil.web.parts import form_specimens
from vigil.web.parts.charts import DrawnChart, TabledPoint
from vigil.web.parts.form_specimens import ARABIC, LONGEST
from vigil.web.parts.marks import RegionDot, dots, mark
from vigil.web.parts.phases import phase_bar
from vigil.web.parts.sparklines import sparkline
from vigil.web.parts.timelines import DrawnStep, timeline
from vigil.web.parts.votes import DrawnVotes, pins, vote_table
from vigil.web.parts.world import LAND

AT = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)
TOKENS = (
    "bg", "surface", "raised", "ink", "muted", "control", "accent", "up", "degraded", "down", "unknown", "paused",
    "maintenance",
)  # fmt: skip
#: Components that take the whole width.
_WIDE = frozenset({"days", "chart", "votes", "map", "timeline", "filter_bar", "problems", "empty", "run_bars", "code"})


@dataclass(frozen=True, slots=True)
class Specimen:
    """A component in one state: its template below `web/parts/`, and what it draws."""

    name: str
    template: str
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpecimenGroup:
    """All states of one component."""

    name: str
    specimens: Sequence[Specimen]
    wide: bool = False


def groups() -> list[SpecimenGroup]:
    """Every component; the order is that of the design."""
    return [
        _group("State mark", "mark", {state.value: {"mark": mark(state)} for state in ShownState} | _variants()),
        _group("Regions", "dots", _dots()),
        _group("Strip, 24 hours", "strip", _strips()),
        _group("Strip, 90 days", "days", _days()),
        _group("Sparkline", "sparkline", _sparklines()),
        _group("Latency chart", "chart", _charts()),
        _group("Phases of a check", "phases", _phases()),
        _group("Vote table", "votes", _votes()),
        _group("Map", "map", _maps()),
        _group("Timeline", "timeline", _timelines()),
        _group("Filter bar", "filter_bar", form_specimens.filter_bars()),
        _group("Form field", "field", form_specimens.fields()),
        _group("Errors of a form", "problems", form_specimens.list_of_problems()),
        _group("Empty state", "empty", _empties()),
        _group("Toast", "toast", _toasts()),
        _group("Runs on the schedule", "run_bars", form_specimens.runs(AT)),
        _group("Text to copy", "code", form_specimens.texts_to_copy()),
    ]


def _group(name: str, template: str, shown: dict[str, dict[str, Any]]) -> SpecimenGroup:
    specimens = [Specimen(state, f"web/parts/{template}.html", one) for state, one in shown.items()]
    return SpecimenGroup(name, specimens, template in _WIDE)


def _variants() -> dict[str, dict[str, Any]]:
    return {
        "worst, as a pill": {"mark": mark(ShownState.DOWN, pill=True)},
        "pill": {"mark": mark(ShownState.DEGRADED, "Key refused", pill=True)},
        "variant": {"mark": mark(ShownState.UP, "Up, 1 differs", pill=True)},
        "stale": {"mark": mark(ShownState.UNKNOWN, "was Up")},
        "longest": {"mark": mark(ShownState.DEGRADED, "Degraded, flapping", pill=True)},
    }


def _dots() -> dict[str, dict[str, Any]]:
    shown = {
        "0": list[ShownState](),
        "1": [ShownState.UP],
        "some differ": [ShownState.UP, ShownState.DOWN, ShownState.DOWN, ShownState.UNKNOWN, ShownState.UP],
        "many": [*[ShownState.UP] * 30, ShownState.DOWN, ShownState.DEGRADED],
    }
    return {
        name: {"dots": dots([RegionDot(f"r-{n}", one) for n, one in enumerate(all_)])} for name, all_ in shown.items()
    }


def _strips() -> dict[str, dict[str, Any]]:
    return {
        "1 state": {"strip": day_strip("48u")},
        "every state": {"strip": day_strip("8p10u4g6u3d5u4n2u4m2u")},
        "trouble now": {"strip": day_strip("45u3d")},
        "no data": {"strip": day_strip("48p")},
    }


def _days() -> dict[str, dict[str, Any]]:
    def shown(runs: str, begins: str, sum: str, name: str = "Chat API") -> dict[str, Any]:
        address = "/style"
        strip = quarter_strip(runs)
        return {"days": DrawnDays(name, strip, AT, address, begins, sum)}

    return {
        "many": shown("33u1g28u1d2n24u1d", "1 Sep", "99.94 % up"),
        "watched since": shown("62p28u", "Watched since 2 Nov", "100 % up"),
        "no data": shown("90p", "1 Sep", "not measured"),
        "longest name": shown("90u", "1 Sep", "100 % up", LONGEST),
    }


def _phases() -> dict[str, dict[str, Any]]:
    all_of_them = {"dns": 4.0, "connect": 31.0, "tls": 44.0, "first byte": 210.0, "total": 412.0}
    return {
        "all": {"bar": phase_bar(all_of_them, 412)},
        "beside a longer one": {"bar": phase_bar(all_of_them, 2_400)},
        "no data": {"bar": phase_bar({}, 412)},
    }


def _sparklines() -> dict[str, dict[str, Any]]:
    many: list[float | None] = [380, 412, 398, 520, 655, 430, None, 402, 398, 390, 412]
    what = "p95 of the last hour"
    return {
        "0": {"line": sparkline(what, " ms", [])},
        "1": {"line": sparkline(what, " ms", [412])},
        "many, with a gap": {"line": sparkline(what, " ms", many)},
        "level": {"line": sparkline(what, " ms", [400, 400, 400, 400])},
    }


def _charts() -> dict[str, dict[str, Any]]:
    points = [
        TabledPoint(
            AT - timedelta(minutes=5 * number), f"{412 + number * 7 % 60} ms", f"{180 + number % 9} ms", "5 of 5"
        )
        for number in range(12)
    ]
    label = "Latency of Chat API, last 24 hours"
    return {
        "many": {"chart": DrawnChart(label, "/style/latency.json", "/style/latency.json", points)},
        "no data": {"chart": DrawnChart(label, "", "/style/latency.json")},
        "loading": {"chart": DrawnChart(label, "", "/style/latency.json", loading=True)},
    }


def _votes() -> dict[str, dict[str, Any]]:
    refused, times = mark(ShownState.DOWN, "refused"), ["14:01:44", "14:01:54"]
    rows = [
        DrawnVotes("eu-west", "aws", [refused, refused], "12 ms"),
        DrawnVotes("us-east", "gcp", [mark(ShownState.UP), refused], "94 ms"),
        DrawnVotes(
            "ap-south", "aws", [mark(ShownState.UNKNOWN, "silent")] * 2, not_counted="in quarantine since 13:50"
        ),
    ]
    many = [
        DrawnVotes(
            f"r-{number}", f"domain-{number % 3}", [refused if number % 4 and number % 3 else mark(ShownState.UP)]
        )
        for number in range(24)
    ]
    law = "3 failing votes from 2 domains were needed. 4 from 4 came."
    long = [
        DrawnVotes(LONGEST[:40], "a-domain-with-a-long-name", [mark(ShownState.DOWN, "certificate of another name")])
    ]
    return {
        "0": {"votes": vote_table(law, [], [])},
        "3": {"votes": vote_table(law, times, rows)},
        "longest": {"votes": vote_table(law, times[:1], long)},
        "many": {"votes": vote_table(law, times[:1], many)},
    }


def _maps() -> dict[str, dict[str, Any]]:
    places = [
        ("eu-west", ShownState.DOWN, 53.3, -6.3), ("eu-north", ShownState.DOWN, 59.3, 18.1),
        ("us-east", ShownState.UP, 39.0, -77.5),
        ("ap-south", ShownState.UNKNOWN, 19.1, 72.9), ("sa-east", ShownState.UP, -23.5, -46.6),
    ]  # fmt: skip
    label = "Down in eu-west, eu-north; silent in ap-south"
    shown = {"pins": pins(places), "land": LAND, "frame": "-2 4 340 112", "label": label}
    return {"5": {"map": shown}, "no places": {"map": {"pins": []}}}


def latency() -> dict[str, Any]:
    """Series of the chart's specimen, as `latency.json` of a monitor has them."""
    start = int(AT.timestamp()) - 24 * 3600
    times = [start + 600 * number for number in range(144)]
    p95: list[int | None] = [400 + (number * 37) % 90 + (900 if 100 <= number < 108 else 0) for number in range(144)]
    p95[60:64] = [None] * 4
    p50 = [None if value is None else 180 + (index * 13) % 30 for index, value in enumerate(p95)]
    bands = [
        {"from": times[100], "to": times[108], "state": "down"},
        {"from": times[60], "to": times[64], "state": "unknown"},
    ]
    return {"t": times, "p95": p95, "p50": p50, "of": ["5 of 5"] * 144, "bands": bands}


def _timelines() -> dict[str, dict[str, Any]]:
    told = DrawnStep("t-3", "check", AT, "Told 14 channels.", folded=["Ops Slack, 210 ms", "Ann, 1.2 s", ARABIC])
    steps = [
        DrawnStep("t-4", "ring", AT + timedelta(minutes=1), "Acknowledged", "by Ann Lee"),
        told,
        DrawnStep("t-2", "paused", AT, "Withheld", 'from Status mail: silence "deploy window" until 14:30'),
        DrawnStep("t-1", "down", AT - timedelta(seconds=9), "Went down.", "4 of 5 regions saw connection refused."),
    ]
    many = [DrawnStep(f"m-{number}", "ring", AT, "Note", f"number {number}") for number in range(70)]
    return {
        "0": {"timeline": timeline([])},
        "1": {"timeline": timeline(steps[-1:])},
        "4": {"timeline": timeline([DrawnStep("t-5", "up", AT, "Over.", LONGEST), *steps])},
        "many": {"timeline": timeline(many)},
    }


def _empties() -> dict[str, dict[str, Any]]:
    first = "Nothing is watched yet. Paste an address or a key, and every region looks at it at once."
    return {
        "with an action": {
            "icon": "overview", "text": first, "action": "Add your first monitor", "address": "/style",
            "example": "https://api.example.com/health",
        },
        "nothing found": {
            "icon": "search", "text": 'None of 500 monitors matches "foo".', "action": "Clear all", "address": "?",
        },
    }  # fmt: skip


def _toasts() -> dict[str, dict[str, Any]]:
    return {
        "with undo": {"toast": {"text": "12 paused.", "undo": "/style"}},
        "longest": {"toast": {"text": f"{LONGEST} paused.", "undo": "/style"}},
    }
