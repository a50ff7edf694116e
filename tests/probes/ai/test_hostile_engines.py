"""Hostile and odd servers of metrics: what a page costs, what a worker remembers, and what is no stall."""

from __future__ import annotations

import time

import pytest

from probes.ai.engines import ENGINES
from probes.ai.saturation.judge import EngineMemory, Thresholds, judge
from probes.ai.saturation.page import LINES_MOST, read_page
from probes.ai.saturation.progress import EnginePhase, Standing
from probes.ai.saturation.recollection import KEPT_S, Recollection
from probes.ai.saturation.sample import NoSample, Sample, read
from probes.net.http_messages import Response
from probes.probers.saturation import _age_of, _time_of
from probes.reasons import Reason, Status

VLLM = ENGINES["vllm"]
NAME = b"vllm:num_requests_running"


@pytest.mark.parametrize(
    "line",
    [
        NAME + b" " * 4000,
        NAME + b"{" + b"a" * 4000 + b"} 1",
        NAME + b"{" + b'a="' * 1300 + b"} 1",
        NAME + b'{a="' + b'\\"' * 2000,
        NAME + b"{" + b'a"b"' * 1000 + b'"',
    ],
    ids=["blanks", "one long label", "open quotes", "escapes", "odd quotes"],
)
def test_no_line_of_a_page_costs_more_than_its_length(line: bytes) -> None:
    before_s = time.process_time()
    read_page(VLLM, (line + b"\n") * 100)
    # Backtracking took nine seconds of CPU for these lines, and reading them takes milliseconds.
    assert time.process_time() - before_s < 2.0


def test_a_page_of_empty_lines_is_read_so_far_only() -> None:
    page = b"\n" * LINES_MOST + NAME + b" 3\n"
    assert read_page(VLLM, page).sum("vllm:num_requests_running") is None
    assert read_page(VLLM, page[2:]).sum("vllm:num_requests_running") == 3


def test_numbers_that_no_server_counts_are_passed_over() -> None:
    page = b"""vllm:num_requests_running{engine="0"} 1.7e308
vllm:num_requests_running{engine="1"} 1.7e308
vllm:num_requests_waiting 2
vllm:kv_cache_usage_perc 1.7e308
vllm:generation_tokens_total -Inf
"""
    sample = read(VLLM, page)
    assert (sample.running, sample.waiting, sample.cache, sample.progress) == (None, 2.0, None, None)


def test_json_larger_than_any_server_writes_is_not_decoded() -> None:
    with pytest.raises(NoSample, match="larger than 1 MiB"):
        read(ENGINES["ollama"], b'{"models":[' + b"[]," * 500_000 + b"[]]}")


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99999999999999",
        "Mon, 32 Foo 2020",
        "",
    ],
)
def test_a_date_that_is_none_is_our_own_time(date: str) -> None:
    assert _time_of(Response(200, "1.1", (("date", date),), b"", False), 17.0) == 17.0


def fleet(*names: str) -> Sample:
    each = tuple((name, Sample(1.0, 0.0, None, 5.0, counted=5.0)) for name in names)
    return Sample(float(len(names)), 0.0, None, 5.0, each)


def test_engines_with_ever_new_names_do_not_fill_the_memory() -> None:
    memory: EngineMemory | None = None
    for turn in range(20):
        names = ["same", *(f"engine {turn * 200 + each}" for each in range(200))]
        memory = judge(memory, fleet(*names), 10.0 * turn, Thresholds(), True).memory
    assert memory is not None
    assert len(memory.standings) <= 201 + 256


def memory_of(engines: int, at_s: float = 0.0) -> EngineMemory:
    return EngineMemory({str(each): Standing(None, False, at_s, 0) for each in range(engines)}, at_s=at_s)


def test_a_worker_remembers_so_many_monitors_and_so_many_engines() -> None:
    kept = Recollection(monitors_most=3, engines_most=10)
    for monitor in "abcd":
        kept.keep(monitor, "u", memory_of(2))
    assert kept.of("a", "u", 0.0) is None and len(kept) == 3
    kept.keep("d", "u", memory_of(7))
    assert kept.of("b", "u", 0.0) is None and kept.of("c", "u", 0.0) is not None
    kept.keep("e", "u", memory_of(500))
    assert len(kept) == 1


def test_a_monitor_that_is_checked_no_more_is_forgotten() -> None:
    kept = Recollection()
    kept.keep("gone", "u", memory_of(1))
    assert kept.of("gone", "u", KEPT_S) is not None and kept.of("gone", "u", KEPT_S + 1) is None
    kept.keep("here", "u", memory_of(1, KEPT_S + 1))
    assert len(kept) == 1


def test_a_clock_that_is_set_back_hides_no_stall() -> None:
    memory, status = None, []
    for at_s in (10_000.0, 10_060.0, 400.0, 460.0, 520.0, 580.0):
        found = judge(memory, Sample(3.0, 0.0, None, 5.0, counted=5.0), at_s, Thresholds())
        memory = found.memory
        status.append(found.status.value)
    assert status == ["up"] * 4 + ["down"] * 2


# False alarms ---------------------------------------------------------------------------------------------------------


def broken_off(posts: int, gets: int = 0, tokens: int = 5000) -> Sample:
    page = f"""vllm:num_requests_running{{engine="0"}} 106
vllm:generation_tokens_total{{engine="0"}} {tokens}
http_requests_total{{handler="/v1/completions",method="POST",status="2xx"}} {posts}
http_requests_total{{handler="/v1/completions",method="POST",status="4xx"}} {gets}
http_requests_total{{handler="/tokenize",method="POST",status="2xx"}} {gets}
http_requests_total{{handler="/v1/models",method="GET",status="2xx"}} {gets}
"""
    return read(VLLM, page.encode())


def test_old_numbers_of_an_engine_that_nobody_asks_are_never_down() -> None:
    """vLLM 0.10 and others go on telling the requests that were all broken off at once."""
    memory = None
    for minute in range(6):
        found = judge(memory, broken_off(90, minute), 60.0 * minute, Thresholds(), True)
        memory = found.memory
    assert (found.status, found.reason) == (Status.DEGRADED, Reason.STALLED)
    assert found.detail == (
        "106 requests running, and no token for 300 s: the engine may stand still; no requests are seen to end "
        "meanwhile, so these numbers may be of ones that were broken off"
    )


def test_requests_that_are_broken_off_at_once_end_once_and_are_no_proof() -> None:
    """The instrumented server counts a stream whose client has gone, when it goes."""
    memory = None
    for minute in range(8):
        sample = broken_off(90 if minute < 2 else 196, minute, tokens=5000 + min(minute, 1))
        found = judge(memory, sample, 60.0 * minute, Thresholds(), True)
        memory = found.memory
    assert (found.status, found.reason) == (Status.DEGRADED, Reason.STALLED)


def test_first_requests_that_none_of_has_ended_yet_are_no_proof() -> None:
    page = b"""vllm:num_requests_running 2
vllm:generation_tokens_total 0
http_requests_total{handler="/v1/models",method="GET",status="2xx"} 7
"""
    memory = None
    for minute in range(4):
        found = judge(memory, read(VLLM, page), 60.0 * minute, Thresholds(), True)
        memory = found.memory
    assert (found.status, found.reason) == (Status.DEGRADED, Reason.STALLED)


def test_an_engine_that_makes_nothing_while_requests_end_unanswered_is_down() -> None:
    memory = None
    for minute in range(4):
        found = judge(memory, broken_off(90 + minute), 60.0 * minute, Thresholds(), True)
        memory = found.memory
    assert (found.status, found.detail) == (
        Status.DOWN,
        "106 requests running, and no token for 180 s: the engine stands still",
    )


def test_a_slow_batch_of_triton_is_no_proof() -> None:
    page = b'nv_inference_pending_request_count{model="video"} 2\nnv_inference_exec_count{model="video"} 7\n'
    memory = None
    for minute in range(5):
        found = judge(memory, read(ENGINES["triton"], page), 60.0 * minute, Thresholds())
        memory = found.memory
    assert found.status is Status.DEGRADED and "may stand still" in found.detail


@pytest.mark.parametrize(
    ("age", "seconds"), [("240", 240.0), ("", 0.0), ("-5", 0.0), ("1e9", 0.0), ("9" * 30, 0.0), ("٣", 0.0)]
)
def test_a_page_from_a_cache_is_as_old_as_the_cache_says(age: str, seconds: float) -> None:
    assert _age_of(Response(200, "1.1", (("age", age),), b"", False)) == seconds


@pytest.mark.parametrize(
    ("engine", "page"),
    [
        ("litellm", b"# HELP litellm_deployment_state x\n# TYPE litellm_deployment_state gauge\n"),
        ("sglang", b"# TYPE sglang:num_running_reqs gauge\n"),
        ("vllm", b"# TYPE ray_vllm_num_requests_running gauge\n"),
    ],
)
def test_a_server_that_was_asked_nothing_since_its_start_is_up(engine: str, page: bytes) -> None:
    found = judge(None, read(ENGINES[engine], page), 0.0, Thresholds())
    assert (found.status, found.engines[0].phase) == (Status.UP, EnginePhase.UNKNOWN)


@pytest.mark.parametrize("page", [b"# TYPE http_requests_total counter\n", b"# TYPE", b"# TYPE x gauge\n", b""])
def test_a_page_that_declares_nothing_of_the_engine_is_of_something_else(page: bytes) -> None:
    with pytest.raises(NoSample):
        read(VLLM, page)


def test_a_restart_of_idle_engines_with_fewer_of_them_misses_none() -> None:
    def idle(count: int) -> Sample:
        each = tuple((f"engine {n}", Sample(0.0, 0.0, None, 0.0, counted=0.0)) for n in range(count))
        return Sample(0.0, 0.0, None, 0.0, each)

    memory = None
    for minute, count in enumerate((4, 4, 2, 2, 2)):
        found = judge(memory, idle(count), 60.0 * minute, Thresholds(), True)
        memory = found.memory
    assert found.status is Status.UP
