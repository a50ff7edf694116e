"""The judge of a soak test: what is lost, invented, doubled, late, left untold or left open is named, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vigil.bench.soak.judge import RESOLVE, TRIGGER, Course, JobSilence, Outage, Told, Written, judge

OUTAGE = Outage("t1", 100, 160)
TRIGGERED = Written("inc_1", TRIGGER, 110, "t1", "outage", message="dlv_1")
RESOLVED = Written("inc_1", RESOLVE, 171, "t1", "outage", message="dlv_2")
WORSE = Written("inc_1", TRIGGER, 120, "t1", "outage", message="dlv_8")
TOLD = (Told("inc_1", TRIGGER, 111.5, "dlv_1"), Told("inc_1", RESOLVE, 171.5, "dlv_2"))
SILENCE = JobSilence("job1", 100, 120)
MISSED = Written("inc_2", TRIGGER, 221, "job1", "heartbeat", message="dlv_3")
WELL = Course(400, [OUTAGE], [SILENCE], [TRIGGERED, RESOLVED, MISSED], [*TOLD, Told("inc_2", TRIGGER, 222, "dlv_3")])


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        pytest.param(WELL, {}, id="all told once and in time"),
        pytest.param(replace(WELL, told=[*WELL.told, *TOLD]), {}, id="a delivery sent again under its id"),
        pytest.param(
            replace(WELL, told=[*WELL.told, Told("inc_1", TRIGGER, 140, "dlv_9")]), {"doubled": 1}, id="two ids"
        ),
        pytest.param(
            replace(WELL, written=[*WELL.written, WORSE], told=[*WELL.told, Told("inc_1", TRIGGER, 121, "dlv_8")]),
            {}, id="a trigger again, as it became worse",
        ),
        pytest.param(
            replace(WELL, written=[*WELL.written, WORSE], told=[*WELL.told, Told("inc_1", TRIGGER, 121, "dlv_9")]),
            {"lost": 1, "doubled": 1}, id="a trigger under two ids, and a worse one untold",
        ),
        pytest.param(
            replace(WELL, told=[*WELL.told, *(Told("inc_9", TRIGGER, 140, key) for key in ("dlv_5", "dlv_6"))]),
            {"doubled": 1}, id="two ids of what was not written",
        ),
        pytest.param(
            replace(WELL, written=[*WELL.written, Written("inc_3", TRIGGER, 150, "t1", "outage", message="dlv_4")],
                    told=[*WELL.told, Told("inc_3", TRIGGER, 151, "dlv_4")]),
            {"doubled": 1, "unresolved": 1}, id="two incidents of one outage",
        ),
        pytest.param(
            replace(WELL, told=WELL.told[1:]), {"lost": 2, "out_of_order": 1}, id="a trigger written and not told"
        ),
        pytest.param(replace(WELL, written=[MISSED], told=WELL.told[2:]), {"lost": 1}, id="an outage nobody wrote"),
        pytest.param(
            replace(WELL, outages=[Outage("t1", 100, 130)], written=[MISSED], told=WELL.told[2:]),
            {}, id="a short outage need not be told",
        ),
        pytest.param(replace(WELL, outages=[]), {"invented": 1}, id="an outage of a target that was well"),
        pytest.param(
            replace(WELL, written=[*WELL.written, Written("inc_3", TRIGGER, 300, "t1", "degraded", message="dlv_4")],
                    told=[*WELL.told, Told("inc_3", TRIGGER, 301, "dlv_4")]),
            {}, id="slow on a busy machine",
        ),
        pytest.param(replace(WELL, silences=[]), {"invented": 1}, id="a silence of a job that called"),
        pytest.param(
            replace(WELL, written=WELL.written[:2], told=WELL.told[:2]), {"silences_untold": 1}, id="a silence untold"
        ),
        pytest.param(
            replace(WELL, ends_s=270, written=WELL.written[:2], told=WELL.told[:2]), {}, id="a silence not yet due"
        ),
        pytest.param(
            replace(WELL, outages=[OUTAGE, Outage("t1", 165, 220)]), {}, id="an outage that an open incident tells of"
        ),
        pytest.param(
            replace(WELL, written=[TRIGGERED, MISSED], told=[TOLD[0], WELL.told[2]]),
            {"unresolved": 1}, id="an incident that stays open",
        ),
        pytest.param(
            replace(WELL, ends_s=300, written=[TRIGGERED, MISSED], told=[TOLD[0], WELL.told[2]]),
            {}, id="an incident whose end is not yet due",
        ),
        pytest.param(
            replace(WELL, outages=[OUTAGE, Outage("t1", 20, 30), Outage("t1", 50, 60)],
                    written=[TRIGGERED, MISSED], told=[TOLD[0], WELL.told[2]]),
            {}, id="a target that flaps",
        ),
        pytest.param(
            replace(WELL, told=[replace(TOLD[0], at_s=172), *WELL.told[1:]]), {"out_of_order": 1}, id="a resolve first"
        ),
        pytest.param(
            replace(WELL, written=[*WELL.written, replace(TRIGGERED, channel="solo", message="dlv_9")]),
            {"lost": 1}, id="told on one channel of two",
        ),
        pytest.param(
            replace(WELL, written=[*WELL.written, replace(TRIGGERED, channel="solo", message="dlv_9")],
                    told=[*WELL.told, Told("inc_1", TRIGGER, 111, "dlv_9", "solo")]),
            {}, id="told once on each of two channels",
        ),
        pytest.param(
            replace(WELL, silences=[JobSilence("job1", 100, 120, ends_s=230)]),
            {"unresolved": 1}, id="a job that calls again and stays missed",
        ),
        pytest.param(
            replace(WELL, silences=[JobSilence("job1", 100, 120, ends_s=320)],
                    written=[*WELL.written, Written("inc_3", TRIGGER, 300, "job1", "heartbeat", message="dlv_4")],
                    told=[*WELL.told, Told("inc_3", TRIGGER, 301, "dlv_4")]),
            {"doubled": 1}, id="two incidents of one silence, which are not yet due to be resolved",
        ),
    ],
)  # fmt: skip
def test_each_wrong_is_named_and_nothing_else(course: Course, expected: dict[str, int]) -> None:
    found = judge(course)
    wrong = {"lost": found.lost, "invented": found.invented, "doubled": found.doubled}
    wrong |= {name: getattr(found, name) for name in ("silences_untold", "unresolved", "out_of_order")}
    assert {name: len(lines) for name, lines in wrong.items() if lines} == expected, wrong


def test_lateness_is_from_written_to_told_and_detection_from_the_begin() -> None:
    found = judge(WELL)
    assert found.late_s == [1.5, 0.5, 1.0]
    assert found.detected_s == [11.5]


def test_an_outage_is_detected_when_the_first_channel_tells_of_it() -> None:
    later = [Told("inc_1", TRIGGER, 140, "dlv_9", "gathers")]
    found = judge(replace(WELL, told=[*WELL.told, *later]))
    assert found.detected_s == [11.5]
