"""Pages of metrics of ten model servers, at least two versions of each where there are two: what is read of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from probes.ai.engines import ENGINES
from probes.ai.saturation.judge import EngineJudgement, EngineMemory, Thresholds, judge
from probes.ai.saturation.queue import QueueSample, queue_age
from probes.ai.saturation.report import facts
from probes.ai.saturation.sample import Deployments, NoSample, Sample, read
from probes.reasons import Reason, Status
from vigil.demo import engine_pages

PAGES = Path(engine_pages.__file__).parent
NOW_S = 1_800_000_000.0
#: Of each page: running, waiting, cache, the names of engines, and facts that are worth a look.
READ: dict[str, tuple[Any, ...]] = {
    "vllm-0.5": (3, 2, 0.34, [], {}),
    "vllm-0.10": (9, 1, 0.62, ["engine 0", "engine 1"],
                  {"adapters_running": 2, "adapters_most": 4, "adapters": "chat, sql"}),
    "vllm-0.32": (2, 4, 0.08, ["engine 0"], {}),
    "sglang-0.4": (16, 7, 0.28, [], {}),
    "sglang-0.5": (9, 2, 0.55, ["dp_rank 0", "dp_rank 1"],
                   {"adapters_running": 3, "adapters_most": 8}),
    "tgi-1.4": (4, 3, None, [], {}),
    "tgi-3.3": (2, 0, None, [], {}),
    "llamacpp-2024": (1, 0, 0.21, [], {}),
    "llamacpp-2026": (2, 3, None, [], {}),
    "ollama-0.1": (0, None, None, ["mistral:latest"], {"models_loaded": 1, "in_vram_percent": 100.0}),
    "ollama-0.12": (1, None, None, ["gemma3", "qwen3:8b"], {"models_loaded": 2, "in_vram_percent": 87.5}),
    "litellm-1.55": (None, None, None, [], {"deployments": 2, "deployments_out": 0, "deployments_failing": 1}),
    "litellm-1.80": (4, None, None, [], {"deployments": 2, "deployments_out": 1, "deployments_failing": 0}),
    "triton-2.20": (None, None, None, [], {}),
    "triton-2.60": (None, 11, None, ["model bert, version 2", "model resnet, version 1"], {}),
    "rayserve-2.9": (1, 2, None, [], {}),
    "rayserve-2.52": (4, 0, 0.5, ["model_name qwen-demo, ReplicaId r1, WorkerId w1, engine 0",
                                  "model_name qwen-demo, ReplicaId r2, WorkerId w2, engine 0"], {}),
    "nim-1.3": (7, 1, 0.15, [], {}),
    "nim-1.14": (3, 2, 0.4, ["engine 0"], {}),
    "kserve-0.10": (None, None, None, [], {}),
    "kserve-0.15": (1, 0, 0.02, ["model_name qwen-demo, engine 0"], {}),
}  # fmt: skip


def page_of(name: str) -> bytes:
    return engine_pages.page(name).encode()


def engine_of(name: str) -> str:
    return name.partition("-")[0]


def sample_of(name: str) -> Sample:
    return read(ENGINES[engine_of(name)], page_of(name), NOW_S)


def test_every_engine_has_two_pages_and_every_page_is_read_here() -> None:
    assert {path.stem for path in PAGES.iterdir() if path.suffix in (".txt", ".json")} == set(READ)
    for engine in ENGINES:
        assert len([name for name in READ if engine_of(name) == engine]) >= 2, engine


@pytest.mark.parametrize("name", READ)
def test_what_a_page_says(name: str) -> None:
    running, waiting, cache, engines, more = READ[name]
    sample = sample_of(name)
    assert (sample.running, sample.waiting, sample.cache) == (running, waiting, cache)
    assert [each for each, _ in sample.engines] == engines
    assert facts(sample).items() >= more.items()


@pytest.mark.parametrize("name", [name for name in READ if name.endswith(tuple("0123456789"))])
def test_the_first_look_never_says_more_than_up_of_a_stall(name: str) -> None:
    judged = judge(None, sample_of(name), NOW_S, Thresholds(waiting_most=100), ENGINES[engine_of(name)].fixed)
    assert judged.reason is not Reason.STALLED
    assert {each.phase.value for each in judged.engines} <= {"idle", "unknown"}


def looks(name: str, engine: str = "", times: int = 6, **changes: str) -> EngineJudgement:
    """The judgement after so many looks a minute apart at one page, in which numbers of some lines grow."""
    memory: EngineMemory | None = None
    text = page_of(name).decode()
    for at in range(times):
        grown = text
        for pattern in changes.values():
            grown = re.sub(f"^({pattern}.*) ([0-9.]+)$", lambda m: f"{m[1]} {float(m[2]) + at}", grown, flags=re.M)  # noqa: B023
        now_s = NOW_S + 60 * at
        chosen = ENGINES[engine or engine_of(name)]
        judged = judge(memory, read(chosen, grown.encode(), now_s), now_s, Thresholds(waiting_most=100), chosen.fixed)
        memory = judged.memory
    return judged


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("sglang-0.5", Status.DOWN), ("tgi-1.4", Status.DOWN), ("tgi-3.3", Status.DOWN),
        ("llamacpp-2026", Status.DOWN), ("llamacpp-2024", Status.DOWN), ("triton-2.60", Status.DEGRADED),
        ("vllm-0.5", Status.DOWN),
        # vLLM may go on telling requests that were broken off, and here none is seen to end.
        ("vllm-0.10", Status.DEGRADED), ("vllm-0.32", Status.DEGRADED),
        ("rayserve-2.52", Status.DEGRADED), ("nim-1.3", Status.DEGRADED), ("nim-1.14", Status.DEGRADED),
        ("kserve-0.15", Status.DEGRADED),
        # Nothing on these moves before a request ends, so that a long answer looks the same; or gauges may be old.
        ("sglang-0.4", Status.DEGRADED), ("rayserve-2.9", Status.DEGRADED), ("ollama-0.12", Status.DEGRADED),
    ],
)  # fmt: skip
def test_a_page_that_stays_the_same_with_work_to_do_is_stalled(name: str, status: Status) -> None:
    judged = looks(name)
    assert (judged.status, judged.reason) == (status, Reason.STALLED), judged.detail


@pytest.mark.parametrize("name", ["vllm-0.10", "vllm-0.32"])
def test_an_engine_that_stands_while_requests_end_is_down(name: str) -> None:
    judged = looks(name, ended=re.escape('http_requests_total{handler="/v1/chat/completions",method="POST"'))
    assert (judged.status, judged.reason) == (Status.DOWN, Reason.STALLED), judged.detail


@pytest.mark.parametrize("name", ["triton-2.20", "kserve-0.10", "ollama-0.1", "litellm-1.55"])
def test_a_page_that_tells_no_work_is_never_stalled(name: str) -> None:
    judged = looks(name)
    assert (judged.status, judged.reason) == (Status.UP, Reason.OK)


@pytest.mark.parametrize(
    ("name", "moves"),
    [
        # A long prompt: no token, no finished request; what moves is the use of the cache, or a count of steps.
        ("vllm-0.5", "vllm:gpu_cache_usage_perc"), ("vllm-0.10", "vllm:kv_cache_usage_perc"),
        ("vllm-0.32", "vllm:iteration_tokens_total_count"), ("sglang-0.4", "sglang:num_used_tokens"),
        ("sglang-0.5", "sglang:realtime_tokens_total"), ("tgi-1.4", "tgi_batch_inference_count"),
        ("tgi-3.3", "tgi_batch_inference_duration_count"), ("llamacpp-2024", "llamacpp:kv_cache_tokens"),
        ("llamacpp-2026", "llamacpp:n_decode_total"), ("rayserve-2.52", "ray_vllm_kv_cache_usage_perc"),
        ("nim-1.3", "gpu_cache_usage_perc"), ("kserve-0.15", "vllm:kv_cache_usage_perc"),
        ("triton-2.60", "nv_inference_exec_count"),
    ],
)  # fmt: skip
def test_a_long_prompt_is_up_on_every_engine_that_tells_its_steps(name: str, moves: str) -> None:
    judged = looks(name, moves=re.escape(moves))
    assert (judged.status, judged.detail) in [(Status.UP, "")] or judged.reason is Reason.BUSY, judged.detail


def test_one_of_two_models_of_triton_that_hangs_is_named() -> None:
    assert looks("triton-2.60").detail.startswith(
        "1 of 2 engines stand still: model bert, version 2 has 11 requests waiting"
    )


def test_a_model_of_ollama_that_a_request_holds_beyond_its_time_is_named() -> None:
    assert "gemma3 has 1 requests running" in looks("ollama-0.12").detail


def test_deployments_in_cooldown_are_named_without_their_addresses() -> None:
    judged = looks("litellm-1.80", grows="litellm_deployment_cooled_down_total")
    assert (judged.status, judged.reason) == (Status.DEGRADED, Reason.VALUE_MISMATCH)
    assert judged.detail == "1 of 2 deployments in cooldown: pool at azure bbbb2222"
    assert judged.cooldowns_per_minute == 1.0
    every = Sample(deployments=Deployments(2, ("a", "b")))
    assert judge(None, every, NOW_S, Thresholds()).status is Status.DOWN


def test_a_preemption_is_told_by_the_minute_and_has_a_limit_where_one_is_set() -> None:
    judged = looks("vllm-0.5", tokens="vllm:generation_tokens_total", lost="vllm:num_preemptions_total")
    assert (judged.status, judged.preemptions_per_minute) == (Status.UP, 1.0)
    memory: EngineMemory | None = None
    for minute in range(4):
        sample = Sample(running=1, waiting=0, progress=float(minute), preempted=30.0 * minute)
        found = judge(memory, sample, 60.0 * minute, Thresholds(preemptions_most=20, busy_samples=1))
        memory = found.memory
    assert found.detail == "busy: 30 requests a minute lose their place, the limit is 20"


# The age of a queue ---------------------------------------------------------------------------------------------------


def ages(*samples: Sample, every_s: float = 60.0) -> list[float | None]:
    kept: tuple[QueueSample, ...] = ()
    found = []
    for at, sample in enumerate(samples):
        kept, age_s = queue_age(kept, sample, every_s * at)
        found.append(age_s)
    return found


def queue(waiting: float, started: float | None) -> Sample:
    return Sample(running=1, waiting=waiting, started=started)


@pytest.mark.parametrize(
    ("samples", "last_s"),
    [
        pytest.param([queue(3, 10)] * 4, 180.0, id="nothing leaves the queue"),
        pytest.param([queue(3, 10), queue(3, 11), queue(3, 12)], 120.0, id="one of three leaves a minute"),
        pytest.param([queue(3, 10), queue(3, 13), queue(3, 16)], 0.0, id="each minute all that waited leave"),
        pytest.param([queue(3, 10), queue(0, 13), queue(2, 13)], 0.0, id="empty in between"),
        pytest.param([queue(3, 10), queue(3, 10), queue(3, 0)], 0.0, id="a restart"),
        pytest.param([queue(3, None)] * 3, None, id="a server that does not count"),
        pytest.param([Sample(running=2, waiting=1, finished=5)] * 3, 120.0, id="by what ended and what runs"),
    ],
)
def test_the_oldest_request_waits_at_least_so_long(samples: list[Sample], last_s: float | None) -> None:
    assert ages(*samples)[-1] == last_s


def test_an_hour_of_one_queue_keeps_a_few_samples_and_the_whole_age() -> None:
    kept: tuple[QueueSample, ...] = ()
    for at in range(3600):
        kept, age_s = queue_age(kept, queue(5, 100 + at / 3600), float(at))
    assert age_s == 3599.0 and len(kept) <= 33


def test_a_queue_too_old_is_busy_where_a_limit_is_set() -> None:
    memory: EngineMemory | None = None
    for minute in range(5):
        sample = Sample(running=1, waiting=2, progress=float(minute), started=7.0)
        found = judge(memory, sample, 60.0 * minute, Thresholds(queue_age_most_s=100, busy_samples=1))
        memory = found.memory
    assert (found.reason, found.detail) == (Reason.BUSY, "busy: a request has waited for 240 s, the limit is 100 s")


# Large pages ----------------------------------------------------------------------------------------------------------


def large_page(lines: int, engines: int) -> bytes:
    wanted = [
        f'{family}{{engine="{engine}",model_name="m"}} {engine}.0'
        for engine in range(engines)
        for family in ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:generation_tokens_total")
    ]
    label = 'engine="1",le="0.25",model_name="a-model-with-a-long-name"'
    others = [f"vllm:e2e_request_latency_seconds_bucket{{{label}}} {n}.0" for n in range(lines - len(wanted))]
    return "\n".join([*others, *wanted]).encode()


def test_a_page_of_a_hundred_thousand_lines_is_read_to_its_end() -> None:
    sample = read(ENGINES["vllm"], large_page(100_000, 8))
    assert sample.running == 28.0 and len(sample.engines) == 8


def test_ten_thousand_label_sets_are_bounded_and_the_rest_of_the_page_counts_no_more() -> None:
    text = b"\n".join(b'vllm:num_requests_running{engine="%d"} 1' % n for n in range(30_000))
    sample = read(ENGINES["vllm"], text)
    assert sample.running == 20_000.0 and sample.engines == ()


@pytest.mark.parametrize(
    ("engine", "page"),
    [
        ("ollama", b'{"models": 7}'), ("ollama", b'{"version": "0.12"}'), ("ollama", b"[" * 60_000),
        ("ollama", b"<html>"), ("triton", b"# nothing\n"), ("litellm", b'{"in_flight_requests": true}'),
    ],
)  # fmt: skip
def test_a_page_of_something_else_is_no_sample(engine: str, page: bytes) -> None:
    with pytest.raises(NoSample):
        read(ENGINES[engine], page)


def test_a_model_list_with_hostile_values_is_read_as_far_as_it_makes_sense() -> None:
    page = b'{"models":[{"name":"a","expires_at":"9999-99-99"},{"name":"b","expires_at":5,"size":1e300},7,null]}'
    assert read(ENGINES["ollama"], page, NOW_S).loaded == 0.0
