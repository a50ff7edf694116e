"""Components as values: the words and shapes that the templates draw."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vigil.read_models.core.drawn_strips import day_strip, slots
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.listing import ListedMonitor, ListedTrouble, TroubleNote
from vigil.web.parts.marks import RegionDot, dots, mark
from vigil.web.parts.sparklines import sparkline
from vigil.web.parts.votes import DrawnVotes, pins, vote_table
from vigil.web.templatetags.parts import drawn

AT = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)


def test_a_quiet_day_is_one_path_and_trouble_stands_taller() -> None:
    quiet = day_strip("48u")
    assert [(path.letter, path.data) for path in quiet.paths] == [("u", "M0 10.5h191")]
    assert quiet.label == "Last 24 hours: up throughout" and quiet.width == 192
    troubled = day_strip("40u2d6u")
    assert {path.letter: path.data for path in troubled.paths} == {"u": "M0 10.5h159M168 10.5h23", "d": "M160 8h7"}
    assert troubled.label == "Last 24 hours: down for a part" and slots(troubled.runs) == 48


def test_dots_name_the_regions_that_are_not_well_and_count_where_there_are_many() -> None:
    some = dots([RegionDot("eu", ShownState.DOWN), RegionDot("us", ShownState.UP), RegionDot("ap", ShownState.UNKNOWN)])
    assert some.label == "Down in eu; unknown in ap" and len(some.shown) == 3
    many = dots([RegionDot(f"r{n}", ShownState.DOWN if n == 7 else ShownState.UP) for n in range(20)])
    assert many.count == "19 of 20" and [dot.region for dot in many.shown] == ["r7"]
    assert dots([RegionDot("eu", ShownState.UP)]).label == "Up in the one region"


def test_a_gap_breaks_the_line_and_two_points_draw_none() -> None:
    line = sparkline("p95 of the last hour", " ms", [380, 655, None, 400, 412])
    assert len(line.lines) == 2 and line.label == "p95 of the last hour: 412 ms, lowest 380 ms, highest 655 ms"
    assert sparkline("p95", " ms", [1, 2]).lines == []


def test_failing_votes_come_first_and_many_regions_fold_by_domain() -> None:
    def row(number: int, state: ShownState) -> DrawnVotes:
        return DrawnVotes(f"r{number:02}", f"d{number % 2}", [mark(state)])

    few = vote_table("law", ["14:01"], [row(1, ShownState.UP), row(2, ShownState.UNKNOWN), row(3, ShownState.DOWN)])
    assert [one.region for one in few.rows] == ["r03", "r02", "r01"]
    many = vote_table("law", ["14:01"], [row(n, ShownState.DOWN if n == 1 else ShownState.UP) for n in range(24)])
    assert [(held.domain, held.agree) for held in many.domains] == [("d1", False), ("d0", True)]


def test_labels_of_neighbours_on_the_map_stand_on_different_sides() -> None:
    west, north = pins([("eu-west", ShownState.DOWN, 53.3, -6.3), ("eu-north", ShownState.UP, 59.3, 18.1)])
    assert west.left and not north.left


def test_each_fact_of_a_row_is_drawn_so_that_equal_rows_may_share_what_was_drawn() -> None:
    dot = dots([RegionDot("eu", ShownState.UP)])
    row = ListedMonitor("mon_1", "Chat", mark(ShownState.UP), dot, day_strip("48u"), "t.test", "-", "1 ms", "1 %", True)
    other: dict[str, Any] = {
        "mark": mark(ShownState.DOWN), "dots": None, "strip": day_strip("47u1d"), "picks": False,
        "unseen": "calls us",
    }  # fmt: skip
    for one in fields(ListedMonitor):
        # What stands where no region is asked is only drawn there.
        base = replace(row, dots=None) if one.name == "unseen" else row
        changed = replace(base, **{one.name: other.get(one.name, "other")})
        assert drawn("row", base) != drawn("row", changed), one.name
    assert drawn("row", row) is drawn("row", replace(row))


def test_each_fact_of_a_row_in_trouble_is_drawn() -> None:
    note = TroubleNote(AT, "14:02:11", "12 min", "Not acknowledged", "inc_1", AT + timedelta(hours=1), "15:02:11")
    dot = dots([RegionDot("eu", ShownState.DOWN)])
    row = ListedTrouble(
        "mon_1", "Chat", mark(ShownState.DOWN, pill=True), dot, day_strip("47u1d"), "Refused.", note, True
    )
    other: dict[str, Any] = {
        "mark": mark(ShownState.UNKNOWN), "dots": None, "strip": day_strip("48u"), "picks": False,
        "note": replace(note, said="Acknowledged by Ann"),
    }  # fmt: skip
    for one in fields(ListedTrouble):
        assert drawn("trouble_row", row) != drawn(
            "trouble_row", replace(row, **{one.name: other.get(one.name, "other")})
        )
    for one in fields(TroubleNote):
        gone: Any = None if one.name in ("since", "silent_until") else ""
        less = replace(row, note=replace(note, **{one.name: gone}))
        assert drawn("trouble_row", row) != drawn("trouble_row", less), one.name


def test_only_what_lists_repeat_is_drawn_by_its_value() -> None:
    with pytest.raises(ValueError, match="not a component"):
        drawn("timeline", ())
