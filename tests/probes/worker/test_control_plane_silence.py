"""When a region says that the control plane is silent, and when that it is back: told as stories on a clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.worker.control_plane_silence import NOTHING, AlarmEvent, ControlPlaneSilence, SilenceMemory

PARTS = ("dispatch", "ingest")
AFTER_S = 120.0


class Story:
    """Looks every 5 s, as the worker does, and says what is due at once."""

    def __init__(
        self, memory: SilenceMemory = NOTHING, at_s: float = 1_000.0, marks: dict[str, str] | None = None
    ) -> None:
        self.now_s = at_s
        self.silence = ControlPlaneSilence(PARTS, AFTER_S, memory, at_s)
        self.marks = marks or dict.fromkeys(PARTS, "0")
        self.said: list[tuple[float, AlarmEvent]] = []
        self.look()

    def look(self) -> None:
        self.silence.hear(self.marks, self.now_s)
        what = self.silence.due(self.now_s)
        if what is not None:
            self.said.append((self.now_s, what))
            self.silence.said(what, self.now_s)

    def passes(self, seconds: int, *alive: str, read: bool = True) -> Story:
        for _ in range(seconds // 5):
            self.now_s += 5
            kept = self.marks
            self.marks = {part: (str(self.now_s) if part in alive else kept.get(part, "0")) for part in PARTS}
            if not read:
                self.marks = {}
            self.look()
            self.marks = self.marks or kept
        return self

    def restarted(self, away_s: float = 0) -> Story:
        return Story(self.silence.memory(), self.now_s + away_s, self.marks)


def test_a_control_plane_that_is_heard_is_nothing_to_tell() -> None:
    assert Story().passes(3_600, *PARTS).said == []


def test_silence_is_told_once_and_its_end_once() -> None:
    story = Story().passes(60, *PARTS).passes(3_600).passes(60, *PARTS)
    assert story.said == [(1_180.0, AlarmEvent.SILENT), (4_665.0, AlarmEvent.BACK)]


@pytest.mark.parametrize("part", PARTS)
def test_one_part_that_is_silent_is_enough(part: str) -> None:
    alive = [other for other in PARTS if other != part]
    story = Story().passes(60, *PARTS).passes(130, *alive)
    assert [what for _, what in story.said] == [AlarmEvent.SILENT]
    assert story.silence.silent(story.now_s) == (part,)


def test_it_is_back_only_when_all_of_it_is_heard() -> None:
    story = Story().passes(60, *PARTS).passes(200).passes(60, "ingest")
    assert [what for _, what in story.said] == [AlarmEvent.SILENT]
    assert [what for _, what in story.passes(10, *PARTS).said] == [AlarmEvent.SILENT, AlarmEvent.BACK]


def test_what_cannot_be_read_is_silence() -> None:
    assert [what for _, what in Story().passes(60, *PARTS).passes(130, read=False).said] == [AlarmEvent.SILENT]


def test_old_marks_are_no_sign_of_life() -> None:
    story = Story()
    assert [what for _, what in story.passes(120).said] == [AlarmEvent.SILENT]


def test_a_restart_tells_nothing_twice_and_forgets_no_end() -> None:
    story = Story().passes(60, *PARTS).passes(130)
    again = story.restarted(10)
    assert again.passes(600).said == []
    assert [what for _, what in again.restarted(10).passes(10, *PARTS).said] == [AlarmEvent.BACK]


def test_silence_goes_on_counting_through_restarts() -> None:
    story = Story().passes(60, *PARTS).passes(60)
    for _ in range(6):
        story = story.restarted(5).passes(5)
        if story.said:
            break
    assert [what for _, what in story.said] == [AlarmEvent.SILENT]


def test_who_comes_back_to_new_marks_after_an_hour_has_nothing_to_tell() -> None:
    story = Story().passes(60, *PARTS)
    later = ControlPlaneSilence(PARTS, AFTER_S, story.silence.memory(), story.now_s + 3_600)
    later.hear(dict.fromkeys(PARTS, "new"), story.now_s + 3_600)
    assert later.due(story.now_s + 3_600) is None
    later.hear(dict.fromkeys(PARTS, "newer"), story.now_s + 3_605)
    assert later.due(story.now_s + 3_610) is None


def test_a_pause_of_our_own_is_nobodys_silence() -> None:
    story = Story().passes(60, *PARTS)
    story.now_s += 600
    story.look()
    assert story.said == []


@given(st.lists(st.tuples(st.sampled_from([(), ("ingest",), PARTS]), st.integers(1, 60)), max_size=12))
def test_alarms_and_ends_take_turns_whatever_happens(script: list[tuple[tuple[str, ...], int]]) -> None:
    story = Story()
    for alive, looks in script:
        story.passes(looks * 5, *alive)
        story.silence = ControlPlaneSilence(PARTS, AFTER_S, story.silence.memory(), story.now_s)
    said = [what for _, what in story.said]
    assert said == [AlarmEvent.SILENT, AlarmEvent.BACK] * (len(said) // 2) + [AlarmEvent.SILENT] * (len(said) % 2)
