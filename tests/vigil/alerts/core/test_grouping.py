"""Which messages go out alone and which together: cases, and the law that nothing is ever dropped."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.alerts.core import group_keys
from vigil.alerts.core.group_keys import GroupingSubject, in_words, strong_keys, weak_keys
from vigil.alerts.core.grouping import FLOOD_AFTER, TAG_AFTER, Due, GroupingPlan, GroupState, Limits, gather

FAR = 1_000_000


def page(number: int, host: str = "", tags: Iterable[str] = (), event: str = "trigger") -> Due:
    subject = GroupingSubject(f"https://{host}/" if host else "", tuple(tags))
    return Due(number, strong_keys(event, subject), weak_keys(event, subject))


class Channel:
    """A channel over time: what is held comes again when it is due, as it does from the outbox."""

    def __init__(self, room: int = FAR, most: int = FAR) -> None:
        self.states: dict[str, GroupState] = {}
        self.waiting: dict[int, tuple[float, Due]] = {}
        self.messages: list[tuple[int, ...]] = []
        self.room, self.most = room, most

    def at(self, now_s: float, *new: Due) -> GroupingPlan:
        due = [one for until, one in self.waiting.values() if until <= now_s] + list(new)
        plan = gather(due, self.states, now_s, Limits(self.room, self.most))
        self.states |= plan.states
        by_id = {one.id: one for one in due}
        for key in by_id:
            self.waiting.pop(key, None)
        sent = [(key,) for key in plan.alone] + [group.ids for group in plan.groups]
        self.messages += sent
        told = {key for ids in sent for key in ids}
        for key, one in by_id.items():
            if key not in told:
                self.waiting[key] = (plan.held.get(key, now_s), one)
        return plan


def test_the_first_page_goes_at_once_and_the_rest_of_its_host_together_soon() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, "api.shop.test") for n in range(100)))
    assert channel.messages == [(0,)]
    channel.at(0.4)
    assert channel.messages == [(0,)]
    channel.at(0.5)
    assert channel.messages == [(0,), tuple(range(1, 100))]


def test_a_second_incident_of_a_host_a_minute_later_is_a_page_of_its_own_at_once() -> None:
    channel = Channel()
    channel.at(0.0, page(1, "api.shop.test"))
    channel.at(60.0, page(2, "api.shop.test"))
    assert channel.messages == [(1,), (2,)]


def test_a_storm_goes_on_in_ten_seconds_and_then_once_a_minute() -> None:
    channel = Channel()
    for second in range(200):
        channel.at(float(second), *(page(second * 50 + n, "api.shop.test") for n in range(50)))
    assert len(channel.messages) <= 6
    assert len({key for ids in channel.messages for key in ids} | set(channel.waiting)) == 10_000


def test_hosts_that_share_nothing_do_not_wait_for_each_other() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(FLOOD_AFTER - 1)))
    assert len(channel.messages) == FLOOD_AFTER - 1


def test_a_flood_without_any_cause_is_gathered_all_the_same() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(500)))
    channel.at(0.6)
    assert [len(ids) for ids in channel.messages] == [1] * FLOOD_AFTER + [500 - FLOOD_AFTER]


def test_ten_causes_at_once_are_one_group() -> None:
    channel = Channel()
    for second in range(100):
        channel.at(float(second), *(page(second * 100 + n, f"api.host{n % 10}.test") for n in range(100)))
    assert len(channel.messages) <= FLOOD_AFTER + 4
    assert len({key for ids in channel.messages for key in ids} | set(channel.waiting)) == 10_000


def test_a_tag_is_a_cause_only_once_many_have_it() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test", ["dc-7"]) for n in range(TAG_AFTER + 3)))
    assert len(channel.messages) == TAG_AFTER
    channel.at(0.5)
    assert channel.messages[-1] == tuple(range(TAG_AFTER, TAG_AFTER + 3))


def test_a_slow_dribble_is_never_gathered() -> None:
    channel = Channel()
    for number in range(100):
        channel.at(number * 61.0, page(number, f"h{number}.test", ["prod"]))
    assert channel.messages == [(number,) for number in range(100)]


def test_a_steady_stream_of_one_cause_does_not_starve_a_flood() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(FLOOD_AFTER + 5)))
    for second in range(1, 70):
        channel.at(float(second), page(1000 + second, f"s{second}.busy.test"))
    told = {key for ids in channel.messages for key in ids}
    assert set(range(FLOOD_AFTER + 5)) <= told


def test_ends_of_gathered_incidents_are_collected_before_the_first_is_told() -> None:
    channel = Channel()
    channel.at(0.0, Due(1, ends="resolve|ends"))
    channel.at(3.0, Due(2, ends="resolve|ends"))
    assert channel.messages == []
    channel.at(5.0)
    assert channel.messages == [(1, 2)]
    channel.at(6.0, Due(3, ends="resolve|ends"))
    channel.at(14.9)
    assert channel.messages == [(1, 2)]
    channel.at(15.0)
    assert channel.messages == [(1, 2), (3,)]


def test_what_was_tried_before_goes_out_again_as_it_was() -> None:
    channel = Channel()
    channel.at(0.0, page(1, "a.test"))
    plan = channel.at(0.1, Due(7, fixed=True))
    assert plan.alone == [7] and not plan.held


def test_what_finds_no_room_stays_due() -> None:
    channel = Channel(room=2)
    plan = channel.at(0.0, *(page(n, f"h{n}.test") for n in range(5)))
    assert plan.alone == [0, 1] and not plan.held
    assert set(channel.waiting) == {2, 3, 4}


HOSTS = st.sampled_from(["a.shop.test", "b.shop.test", "c.other.test", ""])
PAGES = st.builds(
    lambda number, host, tags, event: page(number, host, tags, event),
    st.just(0), HOSTS, st.lists(st.sampled_from(["prod", "dc"]), unique=True), st.sampled_from(["trigger", "resolve"]),
)  # fmt: skip
BURSTS = st.lists(st.tuples(st.floats(0, 30), st.lists(PAGES, max_size=40)), max_size=15)


@settings(max_examples=150, deadline=None)
@given(BURSTS, st.integers(1, 20), st.integers(1, 50))
def test_every_message_is_told_exactly_once_whatever_comes_when(
    bursts: list[tuple[float, list[Due]]], room: int, most: int
) -> None:
    channel, now_s, number, events = Channel(room, most), 0.0, 0, {}
    for gap_s, pages in bursts:
        now_s += gap_s
        fresh = []
        for one in pages:
            number += 1
            fresh.append(Due(number, one.strong, one.weak))
            events[number] = one.weak[-1]
        channel.at(now_s, *fresh)
    for _ in range(2000):
        if not channel.waiting:
            break
        now_s += 5.0
        channel.at(now_s)
    told = [key for ids in channel.messages for key in ids]
    assert sorted(told) == list(range(1, number + 1))
    assert all(len(ids) <= most for ids in channel.messages)
    # Beginnings and ends are never in one message.
    assert all(len({events[key] for key in ids}) == 1 for ids in channel.messages)


@pytest.mark.parametrize(
    ("key", "words"),
    [("trigger|host:api.test", "host api.test"), ("trigger|tag:prod", "tag prod"), ("trigger|*", ""),
     ("trigger|provider:shop.test", "provider shop.test"), ("resolve|ends", ""), ("trigger|parent:7", "")],
)  # fmt: skip
def test_a_cause_in_words(key: str, words: str) -> None:
    assert in_words(key) == words


@pytest.mark.parametrize(
    ("host", "provider"),
    [("api.openai.com", "openai.com"), ("openai.com", "openai.com"), ("a.b.co.uk", "b.co.uk"), ("10.0.0.1", "10.0.0.1"),
     ("localhost", "localhost"), ("x.eu-west-1.example.net", "example.net")],
)  # fmt: skip
def test_who_serves_a_host_as_far_as_its_name_says(host: str, provider: str) -> None:
    assert group_keys.provider_of(host) == provider
