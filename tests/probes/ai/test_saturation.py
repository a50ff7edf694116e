"""Full or dead: what a model server's own metrics say of it, over time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.ai.engines import ENGINES
from probes.ai.saturation.judge import EngineJudgement, EngineMemory, Thresholds, judge
from probes.ai.saturation.page import sifted
from probes.ai.saturation.sample import NoSample, Sample, read
from probes.checks.attempts import attempt
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext
from probes.probers import PROBERS, SpecError, parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import answering, serving, way_out
from vigil.demo import engine_pages

VLLM = ENGINES["vllm"]
PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="qwen"} 3.0
vllm:num_requests_running{engine="1",model_name="a } odd { name # 7"} 2.0
vllm:num_requests_waiting{engine="0",model_name="qwen"} 4.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0
vllm:kv_cache_usage_perc{engine="0"} 0.12
vllm:kv_cache_usage_perc{engine="1"} 0.97
vllm:generation_tokens_total{engine="0"} 1000.0 1800000000000
vllm:prompt_tokens_total{engine="0"} 5e2 # {trace_id="abc"} 17 1800000000.0
vllm:prompt_tokens_total{engine="1"} NaN
vllm:e2e_request_latency_seconds_bucket{le="+Inf"} 12.0
"""


def judged(
    samples: Iterable[tuple[float, Sample]], thresholds: Thresholds | None = None, fixed: bool = False
) -> list[EngineJudgement]:
    """The judgements of samples (each with its time in seconds), as one worker makes them."""
    memory: EngineMemory | None = None
    found = []
    for at_s, sample in samples:
        judgement = judge(memory, sample, at_s, thresholds or Thresholds(), fixed)
        memory = judgement.memory
        found.append(judgement)
    return found


def minutely(*samples: Sample) -> Iterator[tuple[float, Sample]]:
    return ((60.0 * minute, sample) for minute, sample in enumerate(samples))


def test_gauges_are_summed_and_the_fullest_cache_counts() -> None:
    sample = read(VLLM, PAGE.encode())
    assert (sample.running, sample.waiting, sample.cache, sample.counted) == (5.0, 4.0, 0.97, 1500.0)


@pytest.mark.parametrize(
    "page",
    [
        "vllm_num_requests_running 3\nvllm_num_requests_waiting 1",
        'ray_vllm_num_requests_running{ReplicaId="a"} 3\nray_vllm_num_requests_waiting{ReplicaId="a"} 1',
        '  vllm:num_requests_running\t3\r\nvllm:num_requests_waiting { engine = "0" } 1\r\n',
        "vllm:num_requests_running 3\nvllm_num_requests_running 3\nvllm_num_requests_waiting 1",
    ],
)
def test_names_are_known_as_ray_and_collectors_spell_them(page: str) -> None:
    assert read(VLLM, page.encode()) == Sample(3.0, 1.0)


def test_older_names_are_known() -> None:
    page = b"vllm:num_requests_running 1\nvllm:num_requests_waiting 0\nvllm:gpu_cache_usage_perc 0.5\n"
    sample = read(VLLM, page)
    assert (sample.running, sample.waiting, sample.cache, sample.counted) == (1.0, 0.0, 0.5, None)


@pytest.mark.parametrize(
    ("engine", "page", "sample"),
    [
        ("sglang", b"sglang:num_running_reqs 2\nsglang:num_queue_reqs 1\nsglang:token_usage 0.4\n"
                   b"sglang:generation_tokens_total 9\n", Sample(2.0, 1.0, 0.4, 9.0)),
        ("tgi", b"tgi_batch_current_size 2\ntgi_queue_size 1\ntgi_batch_inference_success{method=\"decode\"} 7\n",
         Sample(2.0, 1.0, None, 7.0)),
        ("llamacpp", b"llamacpp:requests_processing 1\nllamacpp:requests_deferred 0\nllamacpp:n_decode_total 5\n",
         Sample(1.0, 0.0, None, 5.0)),
        ("litellm", b'{"in_flight_requests": 3, "queued_requests": 0, "open": true}', Sample(3.0, 0.0, None, None)),
    ],
)  # fmt: skip
def test_each_engine_has_its_own_names(engine: str, page: bytes, sample: Sample) -> None:
    assert read(ENGINES[engine], page) == sample


@pytest.mark.parametrize(
    ("engine", "page"),
    [
        ("vllm", b""), ("vllm", b"<html></html>"), ("vllm", b"vllm:num_requests_running\n"),
        ("vllm", b"vllm:num_requests_running{" + b"x" * 100_000 + b"} 1"), ("vllm", b"go_goroutines 7\n"),
        ("litellm", b"[]"), ("litellm", b"[" * 50_000), ("litellm", b'{"in_flight_requests": "3"}'),
    ],
)  # fmt: skip
def test_a_page_without_the_metrics_is_no_sample(engine: str, page: bytes) -> None:
    with pytest.raises(NoSample):
        read(ENGINES[engine], page)


def test_requests_running_and_no_token_for_two_minutes_is_stalled_and_down() -> None:
    stuck = Sample(running=4, waiting=0, progress=1000)
    first, second, third = judged(minutely(stuck, stuck, stuck))
    assert (first.status, second.status) == (Status.UP, Status.UP)
    assert (third.status, third.reason) == (Status.DOWN, Reason.STALLED)
    assert third.detail == "4 requests running, and no token for 120 s: the engine stands still"


def test_one_token_between_two_checks_is_life() -> None:
    samples = [Sample(running=4, waiting=0, progress=1000 + n) for n in range(20)]
    assert {each.status for each in judged(minutely(*samples))} == {Status.UP}


@pytest.mark.parametrize(
    ("engine", "page", "alive"),
    [
        ("sglang", b"sglang:num_running_reqs 1\nsglang:generation_tokens_total 9\n", b"sglang:num_used_tokens %d\n"),
        ("sglang", b"sglang:num_running_reqs 1\nsglang:generation_tokens_total 9\n",
         b"sglang:inter_token_latency_seconds_count{model_name=\"x\"} %d\n"),
        ("sglang", b"sglang:num_running_reqs 1\nsglang:generation_tokens_total 9\n",
         b"sglang:realtime_tokens_total{mode=\"decode\"} %d\n"),
        ("llamacpp", b"llamacpp:requests_processing 1\nllamacpp:tokens_predicted_total 9\n",
         b"llamacpp:n_decode_total %d\n"),
        ("llamacpp", b"llamacpp:requests_processing 1\nllamacpp:tokens_predicted_total 9\n",
         b"llamacpp:kv_cache_tokens %d\n"),
        ("tgi", b"tgi_batch_current_size 1\ntgi_request_generated_tokens_sum 9\n",
         b"tgi_batch_inference_success{method=\"decode\"} %d\n"),
    ],
)  # fmt: skip
def test_one_long_answer_whose_tokens_are_counted_at_its_end_is_no_stall(
    engine: str, page: bytes, alive: bytes
) -> None:
    moving = [read(ENGINES[engine], page + alive % number) for number in range(100, 120)]
    assert {each.status for each in judged(minutely(*moving))} == {Status.UP}
    stuck = [read(ENGINES[engine], page + alive % 100)] * 4
    assert judged(minutely(*stuck))[-1].reason is Reason.STALLED
    without = [read(ENGINES[engine], page)] * 4
    assert judged(minutely(*without))[-1].reason is Reason.STALLED


def test_a_proxy_that_counts_no_tokens_is_busy_by_what_it_has_in_its_hands() -> None:
    limits = Thresholds(running_most=200)
    found = judged(minutely(*[Sample(running=250, waiting=0)] * 4), limits)
    assert [each.status for each in found[:2]] == [Status.UP, Status.UP]
    assert found[-1].detail == "busy: 250 requests run, the limit is 200"
    assert {each.status for each in judged(minutely(*[Sample(running=250, waiting=0)] * 4))} == {Status.UP}


@given(
    st.lists(
        st.builds(
            Sample,
            running=st.floats(0, 50).map(round),
            waiting=st.floats(0, 50).map(round),
            cache=st.none() | st.floats(0, 1),
            progress=st.none() | st.integers(0, 3).map(float),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_the_samples_busy_is_never_down_and_stalled_never_less(samples: list[Sample]) -> None:
    for place, each in enumerate(judged(minutely(*samples))):
        assert (each.status, each.reason) in {
            (Status.UP, Reason.OK), (Status.DEGRADED, Reason.BUSY), (Status.DOWN, Reason.STALLED),
        }  # fmt: skip
        if each.reason is Reason.STALLED:
            last = samples[place - 2 : place + 1]
            assert len({sample.progress for sample in last}) == 1 and last[0].progress is not None
            assert all(sample.running or sample.waiting for sample in last)


def test_an_idle_engine_does_not_stall_however_long_its_counters_stand() -> None:
    idle = Sample(running=0, waiting=0, progress=1000)
    assert {each.status for each in judged(minutely(*[idle] * 20))} == {Status.UP}


def test_requests_that_just_came_after_a_pause_are_no_stall() -> None:
    idle, begun = Sample(running=0, waiting=0, progress=1000), Sample(running=1, waiting=0, progress=1000)
    assert {each.status for each in judged(minutely(idle, idle, idle, begun, begun))} == {Status.UP}


def test_a_queue_that_nobody_works_on_is_stalled_too() -> None:
    stuck = Sample(running=0, waiting=7, progress=1000)
    assert judged(minutely(*[stuck] * 3))[-1].reason is Reason.STALLED


def test_a_restart_with_its_counters_at_zero_is_no_stall() -> None:
    before, after = Sample(running=4, waiting=0, progress=1000), Sample(running=4, waiting=0, progress=0)
    assert {each.status for each in judged(minutely(before, before, after, after))} == {Status.UP}


def test_a_stall_ends_with_the_first_token() -> None:
    stuck = Sample(running=4, waiting=0, progress=1000)
    moving = Sample(running=4, waiting=0, progress=1001)
    assert [each.status for each in judged(minutely(stuck, stuck, stuck, moving))][-1] is Status.UP


def test_two_samples_far_apart_are_a_coincidence_and_no_stall() -> None:
    stuck = Sample(running=1, waiting=0, progress=1000)
    assert judged([(0.0, stuck), (86_400.0, stuck)])[-1].status is Status.UP


def test_an_engine_without_a_counter_of_tokens_cannot_be_called_stalled() -> None:
    unknown = Sample(running=4, waiting=0)
    assert {each.status for each in judged(minutely(*[unknown] * 10))} == {Status.UP}


@pytest.mark.parametrize(
    ("crowd", "words"),
    [
        ({"waiting": 25.0, "cache": 0.2}, "busy: 25 requests wait, the limit is 10"),
        ({"waiting": 0.0, "cache": 0.99}, "busy: the cache is 99% full, the limit is 95%"),
    ],
)
def test_a_full_engine_that_works_is_busy_after_three_checks_and_never_down(crowd: dict[str, Any], words: str) -> None:
    samples = [Sample(running=64, progress=1000.0 * n, **crowd) for n in range(30)]
    found = judged(minutely(*samples))
    assert [each.status for each in found[:2]] == [Status.UP, Status.UP]
    assert {(each.status, each.reason, each.detail) for each in found[2:]} == {(Status.DEGRADED, Reason.BUSY, words)}


def test_a_short_queue_between_others_is_nothing() -> None:
    full, free = Sample(running=1, waiting=50, progress=1), Sample(running=1, waiting=0, progress=2)
    crowds = itertools.chain.from_iterable([full, full, free] for _ in range(5))
    moving = [Sample(each.running, each.waiting, progress=float(n)) for n, each in enumerate(crowds)]
    assert {each.status for each in judged(minutely(*moving))} == {Status.UP}


def test_what_a_server_does_not_say_is_not_zero() -> None:
    assert {each.status for each in judged(minutely(*[Sample(running=1)] * 5))} == {Status.UP}


# The prober, against a real server.


async def looks(pages: list[bytes], rounds: list[str], code: str = "200 OK", **config: float) -> list[Observation]:
    """One look per page and round id, a minute apart, of one monitor."""
    served = iter(pages)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        page = next(served)
        head = f"HTTP/1.1 {code}\r\nContent-Length: {len(page)}\r\n\r\n".encode()
        await answering(head + page)(reader, writer)

    seen = []
    async with serving(handle) as port, way_out() as dialer:
        spec = parse_spec("saturation", {"url": f"http://127.0.0.1:{port}/metrics", "engine": "vllm", **config})
        for minute, round_id in enumerate(rounds):
            context = ProbeContext(dialer, Trace(), 1_800_000_000.0 + 60 * minute, "mon_saturation", round_id)
            seen.append(await attempt(PROBERS["saturation"], spec, {}, context, 5.0))
    return seen


def page(running: int, waiting: int, tokens: int) -> bytes:
    return (
        f"vllm:num_requests_running {running}\nvllm:num_requests_waiting {waiting}\n"
        f"vllm:kv_cache_usage_perc 0.5\nvllm:generation_tokens_total {tokens}\n"
    ).encode()


def test_the_numbers_become_facts(on_loop: Any) -> None:
    _, seen = on_loop(looks([page(2, 1, 90), page(2, 1, 100)], ["", ""]))
    assert (seen.status, seen.code) == (Status.UP, 200)
    assert seen.facts | {"address": ""} == {
        "address": "", "requests_running": 2, "requests_waiting": 1, "cache_used_percent": 50.0,
        "engine_phase": "moving",
    }  # fmt: skip


def test_a_worker_sees_an_engine_that_stands_still(on_loop: Any) -> None:
    seen = on_loop(looks([page(2, 1, 100)] * 3, [""] * 3))
    assert [each.reason for each in seen] == [Reason.SKIPPED, Reason.SKIPPED, Reason.STALLED]
    assert seen[0].detail == "not yet known: the counters were not seen to move since this worker first looked"


def test_a_worker_that_begins_in_the_middle_of_a_stall_or_a_crowd_does_not_say_that_it_is_over(on_loop: Any) -> None:
    again = [page(2, 1, 100)] * 2 + [page(2, 1, 101)] * 2
    # Too few votes in a round would be an alarm of their own.
    seen = on_loop(looks(again, ["", "r", "", ""]))
    assert [each.status for each in seen] == [Status.UNKNOWN, Status.UP, Status.UP, Status.UP]
    crowd = on_loop(looks([page(2, 50, tokens) for tokens in range(4)], [""] * 4))
    assert [each.status for each in crowd] == [Status.UNKNOWN] * 2 + [Status.DEGRADED] * 2
    aged = [page(2, 1, tokens) + b"vllm:request_success_total 5\n" for tokens in range(4)]
    late = on_loop(looks(aged, [""] * 4, queue_age_most_s=100, busy_samples=1))
    assert [each.status for each in late] == [Status.UNKNOWN] * 2 + [Status.DEGRADED] * 2
    served = [page(2, 1, n) + b"vllm:request_success_total %d\n" % (5 * n) for n in range(4)]
    quick = on_loop(looks(served, [""] * 4, queue_age_most_s=100, busy_samples=1))
    assert [each.status for each in quick] == [Status.UNKNOWN] + [Status.UP] * 3
    lost = [page(2, 0, n) + b"vllm:num_preemptions_total %d\n" % (90 * n) for n in range(4)]
    lossy = on_loop(looks(lost, [""] * 4, preemptions_most=10))
    assert [each.status for each in lossy] == [Status.UNKNOWN] * 3 + [Status.DEGRADED]
    idle = on_loop(looks([page(0, 0, 100), page(2, 50, 100), page(2, 50, 101)], [""] * 3))
    assert {each.status for each in idle} == {Status.UP}, "what had nothing to do was well"
    trial = on_loop(looks([page(2, 50, 100)], ["trl_x"]))
    assert trial[0].status is Status.UP, "one look has to say something"


def test_the_looks_of_a_round_are_judged_and_not_counted(on_loop: Any) -> None:
    # Four looks of rounds between two scheduled checks make no third one; after the third, they confirm.
    rounds = ["", "r", "r", "r", "r", "", "", "r", "r"]
    seen = on_loop(looks([page(2, 50, 100)] * len(rounds), rounds))
    assert [each.reason for each in seen[:2]] == [Reason.SKIPPED, Reason.OK]
    assert {each.reason for each in seen[6:]} == {Reason.STALLED}


def test_a_server_that_fails_is_classified_as_anywhere(on_loop: Any) -> None:
    (seen,) = on_loop(looks([b'{"error": "Unauthorized"}'], [""], "401 Unauthorized"))
    assert (seen.status, seen.reason, seen.code) == (Status.DOWN, Reason.AUTH, 401)


def test_a_page_of_something_else_is_a_wrong_configuration(on_loop: Any) -> None:
    (seen,) = on_loop(looks([b"go_goroutines 7\n"], [""]))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CONFIG)
    assert seen.detail == "the page has no metrics of vLLM, such as vllm:num_requests_running"


async def looks_at_large(body: bytes, chunked: bool = False) -> tuple[Observation, int]:
    """One look at a page, and how often it was asked for."""
    asked: list[bytes] = []
    head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    framed = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"] if chunked else pieces
    async with serving(answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n", *framed, seen=asked)) as port:
        seen = await looked("saturation", {"url": f"http://127.0.0.1:{port}/metrics", "engine": "vllm"})
    return seen, len(asked)


OF_NO_USE = b"# a line of no use that is rather long, as lines of buckets are\n"
BUCKETS = b'vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.3",model_name="m"} 1.0\n'


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(1_000, 0, id="a usual page"),
        pytest.param(30_000, 0, id="a large one with the numbers at its end"),
        pytest.param(30_000, 30_000, id="a larger one with the numbers in its middle"),
    ],
)
def test_a_large_page_is_read_to_its_end_and_only_what_counts_is_kept(
    on_loop: Any, before: int, after: int, chunked: bool
) -> None:
    seen, times = on_loop(looks_at_large(OF_NO_USE * before + page(1, 0, 5) + BUCKETS * after, chunked))
    assert (seen.status, seen.reason, times) == (Status.UP, Reason.OK, 1), seen.detail
    assert (seen.facts["requests_running"], seen.facts["cache_used_percent"]) == (1, 50.0)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(OF_NO_USE * 270_000 + page(1, 0, 5), id="beyond all bounds"),
        pytest.param(page(1, 0, 5) + b"vllm:num_requests_running 1\n" * 60_000, id="too much that counts"),
        pytest.param(page(1, 0, 5) + b"x" * 3_000_000, id="a line without an end"),
        pytest.param(page(1, 0, 5) + b"\n" * 3_000_000, id="lines of nothing"),
    ],
)
def test_a_page_beyond_all_bounds_is_degraded(on_loop: Any, body: bytes) -> None:
    seen, times = on_loop(looks_at_large(body))
    assert (seen.status, seen.reason, times) == (Status.DEGRADED, Reason.TOO_LARGE, 1), seen.detail


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
@pytest.mark.parametrize("name", ["vllm-0.10", "rayserve-2.52", "triton-2.60", "litellm-1.80"])
def test_a_page_says_the_same_sifted_in_parts_of_any_size(name: str, size: int) -> None:
    engine, whole = ENGINES[name.partition("-")[0]], engine_pages.page(name).encode()
    kept = b""
    for start in range(0, len(whole), size):
        kept = sifted(engine, kept + whole[start : start + size])
    assert len(kept) < len(whole)
    assert repr(read(engine, kept, 0.0)) == repr(read(engine, whole, 0.0))


def test_the_instants_of_a_server_are_held_against_its_own_clock(on_loop: Any) -> None:
    async def story(date: bytes) -> Observation:
        body = b'{"models":[{"name":"m","expires_at":"2027-01-15T08:00:00Z","size":5,"size_vram":5}]}'
        head = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Length: %d\r\n\r\n" % (date, len(body))
        async with serving(answering(head + body)) as port:
            return await looked("saturation", {"url": f"http://127.0.0.1:{port}/api/ps", "engine": "ollama"})

    held = [on_loop(story(date)).facts["requests_running"] for date in (
        b"Fri, 15 Jan 2027 07:59:00 GMT", b"Fri, 15 Jan 2027 08:01:00 GMT", b"yesterday")]  # fmt: skip
    assert held == [0, 1, 0]


def test_one_look_shows_each_threshold_and_what_was_found(on_loop: Any) -> None:
    async def story() -> Observation:
        body = page(2, 50, 100)
        async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as port:
            config = {"url": f"http://127.0.0.1:{port}/metrics", "engine": "vllm"}
            return await looked("saturation", config, explain=True)

    waiting, cache = on_loop(story()).outcomes
    assert (waiting.passed, waiting.detail) == (False, "expected fewer than 10 requests waiting; found 50")
    assert (cache.passed, cache.expected) == (True, "less than 95% of the cache in use")


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            {"engine": "vlm"},
            "engine: 'vlm' is not one of kserve, litellm, llamacpp, nim, ollama, rayserve, sglang, tgi, triton, vllm",
        ),
        ({"engine": "vllm", "cache_most": 95}, "cache_most: is a share above 0 and up to 1, like 0.95"),
        ({"engine": "vllm", "waiting_most": 0}, "waiting_most: is a number of requests above 0"),
        ({"engine": "vllm", "busy_samples": 0}, "busy_samples: is between 1 and 100"),
        ({"engine": "vllm", "stalled_s": 0}, "stalled_s: is between 1 and 86400 seconds"),
        ({"engine": "vllm", "url": "ftp://x"}, "url: a URL starts with http:// or https://"),
        ({}, "engine: is required"),
    ],
)
def test_a_bad_configuration_is_one_line(config: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("saturation", {"url": "http://127.0.0.1:8000/metrics", **config})
    assert str(refused.value) == line


# Steps, engines and ranks ---------------------------------------------------------------------------------------------


def pages(engine: str, *texts: str, every_s: float = 30.0) -> list[EngineJudgement]:
    """What pages of metrics, so many seconds apart, mean one after the other."""
    samples = [(every_s * at, read(ENGINES[engine], text.encode())) for at, text in enumerate(texts)]
    return judged(samples, fixed=ENGINES[engine].fixed)


def vllm(*, engine: str = "", running: int = 1, tokens: int = 1000, steps: int | None = None) -> str:
    mark = f'{{engine="{engine}",model_name="m"}}' if engine else ""
    steps_line = "" if steps is None else f"vllm:iteration_tokens_total_count{mark} {steps}\n"
    return (
        f"vllm:num_requests_running{mark} {running}\nvllm:num_requests_waiting{mark} 0\n"
        f"vllm:generation_tokens_total{mark} {tokens}\nvllm:prompt_tokens_total{mark} 500\n{steps_line}"
    )


def test_b2_18a_an_engine_that_steps_through_a_long_prompt_is_alive() -> None:
    found = pages("vllm", *(vllm(steps=10 * n) for n in range(1, 6)))
    assert {each.status for each in found} == {Status.UP}
    stuck = pages("vllm", *(vllm(steps=10) for _ in range(6)))
    assert (stuck[-1].status, stuck[-1].reason) == (Status.DOWN, Reason.STALLED)


@pytest.mark.parametrize(
    ("first", "second", "status", "words"),
    [
        pytest.param({"running": 3}, {"running": 2, "grows": 1}, Status.DEGRADED,
                     "1 of 2 engines stand still: engine 0", id="B2-18b one of two"),
        pytest.param({"running": 2, "grows": 1}, {"running": 3}, Status.DEGRADED,
                     "1 of 2 engines stand still: engine 1", id="the other one"),
        pytest.param({"running": 3}, {"running": 2}, Status.DOWN, "all 2 engines stand still", id="both"),
        pytest.param({"running": 3}, {"running": 0}, Status.DEGRADED, "engine 0 has 3 requests running",
                     id="one, beside an idle one"),
        pytest.param({"running": 0}, {"running": 2, "grows": 1}, Status.UP, "", id="one idle, one busy"),
        pytest.param({"running": 0}, {"running": 0}, Status.UP, "", id="both idle"),
    ],
)  # fmt: skip
def test_each_engine_of_a_server_is_judged_by_its_own_steps(
    first: dict[str, int], second: dict[str, int], status: Status, words: str
) -> None:
    def page(at: int) -> str:
        return "".join(
            vllm(engine=str(number), running=each["running"], tokens=1000 + at * each.get("grows", 0))
            for number, each in enumerate((first, second))
        )

    last = pages("vllm", *(page(at) for at in range(6)))[-1]
    assert last.status is status
    assert words in last.detail


def test_ranks_of_sglang_are_told_apart_and_counters_of_all_count_for_all() -> None:
    running = 'sglang:num_running_reqs{dp_rank="0"} 2\nsglang:num_running_reqs{dp_rank="1"} 2\n'

    def apart(at: int) -> str:
        return f'sglang:num_used_tokens{{dp_rank="0"}} 7\nsglang:num_used_tokens{{dp_rank="1"}} {at}\n'

    found = pages("sglang", *(running + apart(at) for at in range(6)))[-1]
    assert found.detail.startswith("1 of 2 engines stand still: dp_rank 0")
    shared = pages("sglang", *(f"{running}sglang:num_used_tokens {at}\n" for at in range(6)))
    assert shared[-1].status is Status.UP


def test_an_engine_that_is_gone_is_missed_from_the_second_page_on_and_named() -> None:
    both = vllm(engine="0", running=0) + vllm(engine="1", running=0)
    found = pages("vllm", both, both, *[vllm(engine="0", running=0)] * 3)
    assert [each.status for each in found] == [Status.UP, Status.UP, Status.UP, Status.DEGRADED, Status.DEGRADED]
    assert found[-1].detail == "1 of 2 engines are gone: engine 1"
    assert {each.name: each.phase.value for each in found[-1].engines} == {"engine 0": "idle", "engine 1": "gone"}
    back = pages("vllm", both, *[vllm(engine="0", running=0)] * 3, both)
    assert back[-1].status is Status.UP


def test_a_server_that_was_made_smaller_is_not_missed_for_ever() -> None:
    both = vllm(engine="0", running=0) + vllm(engine="1", running=0)
    found = pages("vllm", both, *[vllm(engine="0", running=0)] * 200, every_s=30.0)
    assert (found[50].status, found[-1].status) == (Status.DEGRADED, Status.UP)


def test_a_server_that_restarts_with_fewer_engines_misses_none_and_tells_of_the_restart() -> None:
    both = vllm(engine="0", running=0) + vllm(engine="1", running=0)
    found = pages("vllm", both, both, *[vllm(engine="0", running=0, tokens=3)] * 4)
    assert {each.status for each in found} == {Status.UP}
    assert [each.restarts for each in found[-1].engines] == [1]


def test_replicas_that_come_and_go_are_not_missed() -> None:
    def page(*replicas: str) -> str:
        return "".join(
            f'ray_vllm_num_requests_running{{ReplicaId="{each}",model_name="m"}} 1\n'
            f'ray_vllm_generation_tokens_total{{ReplicaId="{each}",model_name="m"}} 5\n'
            for each in replicas
        )

    found = pages("rayserve", page("a", "b"), page("a"), page("a", "c"), every_s=5.0)
    assert {each.status for each in found} == {Status.UP}
    assert [each.name for each in found[-1].engines] == ["model_name m, ReplicaId a", "model_name m, ReplicaId c"]


def test_a_new_engine_begins_afresh_and_is_not_yet_known() -> None:
    before = vllm(engine="0", running=0)
    found = pages("vllm", before, before + vllm(engine="2", running=3))
    assert {each.name: each.phase.value for each in found[-1].engines} == {"engine 0": "idle", "engine 2": "unknown"}


def test_fewer_engines_than_expected_are_told_at_once() -> None:
    sample = read(VLLM, (vllm(engine="0", running=0) + vllm(engine="1", running=0)).encode())
    (found,) = judged([(0.0, sample)], Thresholds(engines_least=8))
    assert (found.status, found.detail) == (Status.DEGRADED, "2 engines, and 8 are expected: engine 0, engine 1")


def test_a_page_of_endless_engines_is_read_as_one() -> None:
    text = "".join(vllm(engine=str(number)) for number in range(1000))
    assert read(VLLM, text.encode()).engines == ()


def test_an_engine_that_joins_a_known_server_leaves_nothing_undecided() -> None:
    def replicas(*progress: tuple[str, float]) -> Sample:
        return Sample(engines=tuple((name, Sample(running=1, progress=count)) for name, count in progress))

    # Each minute another replica: there is always one that was not seen to move yet.
    pages = [replicas(("old", 10.0 * n), (f"new {n}", 5.0)) for n in range(4)]
    first, *later = judged(minutely(*pages))
    assert first.undecided and not any(one.undecided for one in later)
    still = judged(minutely(*[replicas(("old", 10.0), (f"new {n}", 5.0)) for n in range(3)]))
    assert [one.status for one in still] == [Status.UP, Status.UP, Status.DEGRADED] and still[1].undecided
