"""Which messages go out alone and which together: cases, and the law that nothing is ever dropped."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.alerts.channels import CHANNELS, telegram
from vigil.alerts.core import group_keys
from vigil.alerts.core.group_keys import GroupingSubject, in_words, strong_keys, weak_keys
from vigil.alerts.core.group_state import HOLDS_S, TAG_AFTER, GroupState
from vigil.alerts.core.grouping import BURST, Due, GroupingPlan, Limits, gather, limits_of
from vigil.alerts.core.pacing import Pace

FAR = 1_000_000


def page(number: int, host: str = "", tags: Iterable[str] = (), event: str = "trigger") -> Due:
    subject = GroupingSubject(f"https://{host}/" if host else "", tuple(tags))
    return Due(number, strong_keys(event, subject), weak_keys(event, subject))


class Channel:
    """A channel over time: what is held comes again when it is due, as it does from the outbox."""

    def __init__(self, room: int = FAR, most: int = FAR, pace: Pace | None = None) -> None:
        self.states: dict[str, GroupState] = {}
        self.waiting: dict[int, tuple[float, Due]] = {}
        self.messages: list[tuple[int, ...]] = []
        self.told_s: dict[int, float] = {}
        self.limits = limits_of(room, most, pace.burst, pace.per_s) if pace else Limits(room, most)

    def at(self, now_s: float, *new: Due) -> GroupingPlan:
        due = [one for until, one in self.waiting.values() if until <= now_s] + list(new)
        plan = gather(due, self.states, now_s, self.limits)
        self.states |= plan.states
        by_id = {one.id: one for one in due}
        for key in by_id:
            self.waiting.pop(key, None)
        sent = [(key,) for key in plan.alone] + [group.ids for group in plan.groups]
        self.messages += sent
        told = {key for ids in sent for key in ids}
        self.told_s |= dict.fromkeys(told, now_s)
        for key, one in by_id.items():
            if key not in told:
                self.waiting[key] = (plan.held.get(key, now_s), one)
        return plan

    def run(self, arrivals: Iterable[tuple[float, Due]], until_s: float) -> dict[int, float]:
        """Let messages arrive, look whenever something is due, and say how long each waited."""
        coming = sorted(arrivals, key=lambda each: each[0])
        written = {one.id: at for at, one in coming}
        now_s = 0.0
        while now_s < until_s and (coming or self.waiting):
            times = [at for at, _ in coming[:1]] + [at for at, _ in self.waiting.values()]
            now_s = max(now_s, min(times))
            new = [one for at, one in coming if at <= now_s]
            coming = coming[len(new) :]
            plan = self.at(now_s, *new)
            if not new and not plan.alone and not plan.groups:
                now_s += 0.05
        return {key: at - written[key] for key, at in self.told_s.items()}


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
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(BURST)))
    assert len(channel.messages) == BURST


def test_a_flood_without_any_cause_is_gathered_all_the_same() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(500)))
    channel.at(0.6)
    assert [len(ids) for ids in channel.messages] == [1] * BURST + [500 - BURST]


def test_ten_causes_at_once_are_one_group() -> None:
    channel = Channel()
    for second in range(100):
        channel.at(float(second), *(page(second * 100 + n, f"api.host{n % 10}.test") for n in range(100)))
    assert len(channel.messages) <= BURST + 4
    assert len({key for ids in channel.messages for key in ids} | set(channel.waiting)) == 10_000


def test_a_tag_groups_what_the_pace_does_not_let_pass() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test", ["dc-7"]) for n in range(BURST + 30)))
    assert len(channel.messages) == BURST
    channel.at(0.5)
    assert channel.messages[BURST:] == [tuple(range(BURST, BURST + 30))]
    # Few at the same time have nothing in common but a tag.
    assert BURST >= TAG_AFTER
    channel.at(5.0, page(100, "new.test", ["dc-7"]))
    assert channel.told_s[100] == 5.0


def test_a_slow_dribble_is_never_gathered() -> None:
    channel = Channel()
    for number in range(100):
        channel.at(number * 61.0, page(number, f"h{number}.test", ["prod"]))
    assert channel.messages == [(number,) for number in range(100)]


def test_a_steady_stream_of_one_cause_does_not_starve_a_flood() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(BURST + 5)))
    for second in range(1, 70):
        channel.at(float(second), page(1000 + second, f"s{second}.busy.test"))
    told = {key for ids in channel.messages for key in ids}
    assert set(range(BURST + 5)) <= told


def test_ends_of_gathered_incidents_are_collected_before_the_first_is_told() -> None:
    channel = Channel()
    channel.at(0.0, Due(1, ends="resolve|ends"))
    channel.at(1.9, Due(2, ends="resolve|ends"))
    assert channel.messages == []
    channel.at(2.0)
    assert channel.messages == [(1, 2)]
    channel.at(2.1, Due(3, ends="resolve|ends"))
    channel.at(2.5)
    assert channel.messages == [(1, 2), (3,)]


def test_ends_of_a_storm_come_in_two_seconds_and_then_in_ten() -> None:
    channel = Channel()
    channel.at(0.0, *(Due(number, ends="resolve|ends") for number in range(100)))
    channel.at(2.0)
    channel.at(3.0, Due(200, ends="resolve|ends"))
    channel.at(11.9)
    assert channel.messages == [tuple(range(100))]
    channel.at(12.0)
    assert channel.messages[1:] == [(200,)]


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


def arrivals(count: int, seconds: float, hosts: int, seed: int, tags: Iterable[str] = ()) -> list[tuple[float, Due]]:
    """Pages at random times, each of one of so many unrelated hosts; 0: each of a host of its own."""
    by = random.Random(seed)
    tags = tuple(tags)
    names = [f"h{by.randrange(hosts) if hosts else number}.test" for number in range(count)]
    return [(by.uniform(0, seconds), page(number, name, tags)) for number, name in enumerate(names)]


def percentile(waits: Iterable[float], part: float) -> float:
    ordered = sorted(waits)
    return ordered[int(part * (len(ordered) - 1))]


@pytest.mark.parametrize("kind", ["webhook", "slack", "telegram", "email", "pagerduty", "discord", "teams"])
@pytest.mark.parametrize(
    ("hosts", "tags"),
    [
        pytest.param(0, (), id="5-unrelated"),
        pytest.param(30, (), id="5-thirty-hosts"),
        pytest.param(1, (), id="5-one-machine"),
        pytest.param(0, ("prod",), id="5-one-tag"),
    ],
)
def test_incidents_at_the_rate_of_a_bad_day_are_told_within_three_seconds(
    kind: str, hosts: int, tags: tuple[str, ...]
) -> None:
    """61 within five minutes, as in a chaos run without nemeses."""
    config = {"telegram": telegram.TelegramConfig(chat="-1")}.get(kind)
    for seed in range(10):
        channel = Channel(pace=CHANNELS[kind].pace(config))
        waits = channel.run(arrivals(61, 300.0, hosts, seed, tags), 500.0)
        assert len(waits) == 61
        assert percentile(waits.values(), 0.9) <= 3.0, seed


@pytest.mark.parametrize("kind", ["webhook", "slack", "telegram", "email", "pagerduty"])
def test_unrelated_pages_below_the_pace_of_the_receiver_never_wait(kind: str) -> None:
    pace = CHANNELS[kind].pace(telegram.TelegramConfig(chat="-1") if kind == "telegram" else None)
    channel = Channel(pace=pace)
    every_s = 1 / min(pace.per_s, 10.0)
    waits = channel.run(((number * every_s, page(number, f"h{number}.test")) for number in range(300)), 2_000.0)
    assert set(waits.values()) == {0.0}


@pytest.mark.parametrize("seconds", [0.0, 1.0, 10.0, 60.0])
@pytest.mark.parametrize(("hosts", "tags"), [(0, ()), (0, ("prod",)), (1, ()), (5, ()), (1_000, ())])
def test_a_storm_takes_twenty_messages_at_most_whatever_its_hosts(
    hosts: int, tags: tuple[str, ...], seconds: float
) -> None:
    channel = Channel(most=1_000, pace=CHANNELS["webhook"].pace(None))
    waits = channel.run(((round(at, 1), one) for at, one in arrivals(10_000, seconds, hosts, 1, tags)), 1_000.0)
    assert len(waits) == 10_000
    assert len(channel.messages) <= 20


@pytest.mark.parametrize("storm", [50, 500])
def test_the_first_word_of_a_new_cause_passes_a_storm_of_another(storm: int) -> None:
    channel = Channel()
    for second in range(20):
        channel.at(float(second), *(page(second * storm + n, f"api{n % 7}.shop.test") for n in range(storm)))
        channel.at(second + 0.5, page(-second - 1, f"other{second}.test", ["prod"]))
        assert channel.told_s[-second - 1] == second + 0.5


def test_what_a_flood_told_of_is_no_new_cause() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(500)))
    channel.at(0.5)
    channel.at(20.0, *(page(1_000 + n, f"h{n}.test") for n in range(500)))
    channel.at(30.0)
    assert len(channel.messages) <= BURST + 3


def test_the_first_word_of_a_new_cause_passes_soon_after_a_storm_of_unrelated_ones() -> None:
    channel = Channel()
    channel.at(0.0, *(page(n, f"h{n}.test") for n in range(500)))
    channel.at(0.5)
    channel.at(4.0, page(1_000, "new.test"))
    assert channel.told_s[1_000] == 4.0


def test_1_jobs_that_one_gap_of_ours_may_have_hidden_are_one_message_from_the_first_on() -> None:
    key = "trigger|cause:unheard:2026-11-29T04:00:00"
    assert group_keys.whole_key("trigger", GroupingSubject(shared="unheard:2026-11-29T04:00:00")) == key
    assert group_keys.whole_key("trigger", GroupingSubject(shared="mass:inc_1")) == ""
    channel = Channel()
    channel.at(0.0, *(Due(n, (key,), ("trigger|*",), whole=key) for n in range(50)), page(99, "other.test"))
    assert channel.messages == [(99,), tuple(range(50))]
    channel.at(0.1, *(Due(n, (key,), ("trigger|*",), whole=key) for n in range(100, 150)))
    assert len(channel.messages) == 2 and min(until for until, _ in channel.waiting.values()) <= HOLDS_S[1] + 0.1


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
