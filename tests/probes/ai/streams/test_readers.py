"""Readers of streamed answers: every form says the same, however its bytes are cut."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.ai.streams import FORMS
from probes.ai.streams.answer import Finish, StreamedAnswer
from probes.ai.streams.framing import EVENT_BYTES_MOST, ServerSentEvents, StreamTooLarge
from probes.ai.streams.reader import EVENTS_MOST, STREAM_BYTES_MOST, StreamReader
from probes.ai.streams.shape import Prompt, ToolOffer
from vigil.demo.streaming.answers import StreamFault, asked_of, streamed

EVERY_FORM = pytest.mark.parametrize("form", sorted(FORMS))


def bytes_of(form: str, model: str = "demo-model", text: str = "Say ready", tool: str = "") -> bytes:
    prompt = Prompt(model, text, 32, 0.0, ToolOffer(tool) if tool else None)
    said = asked_of(form, FORMS[form].body(prompt), f"/v1beta/models/{model}:streamGenerateContent")
    fault = next((each for each in StreamFault if each and model.endswith(f"-{each}")), StreamFault.NONE)
    return b"".join(piece for piece in streamed(form, said, fault) if isinstance(piece, bytes))


def read(form: str, came: bytes, cuts: tuple[int, ...] = ()) -> StreamReader:
    reader = StreamReader(FORMS[form])
    edges = [0, *sorted(cut % (len(came) + 1) for cut in cuts), len(came)]
    for begin, end in pairwise(edges):
        reader.feed(came[begin:end], 1.0)
    reader.close()
    return reader


def content(answer: StreamedAnswer) -> dict[str, object]:
    """What was said, without how its text came in pieces."""
    said = asdict(answer)
    said["text"], said["refusal"] = str(answer.text), str(answer.refusal)
    said["calls"] = {place: (call.name, str(call.arguments)) for place, call in answer.calls.items()}
    return said


@EVERY_FORM
def test_a_whole_answer_has_its_text_end_model_and_tokens(form: str) -> None:
    answer = read(form, bytes_of(form)).answer
    assert str(answer.text) == "ready."
    assert answer.finish is Finish.STOP
    assert (answer.usage.input, answer.usage.output) == (12, 4)
    # Cohere names no model.
    assert answer.model == ("" if form == "cohere" else "demo-model")
    assert len(answer.token_times_s) == 3
    assert answer.malformed == 0


@EVERY_FORM
def test_a_call_of_a_tool_has_its_name_and_arguments(form: str) -> None:
    answer = read(form, bytes_of(form, text='Call it with {"city": "Paris"}', tool="weather")).answer
    [call] = answer.calls.values()
    assert (call.name, str(call.arguments).replace(" ", "")) == ("weather", '{"city":"Paris"}')
    assert answer.finish is Finish.TOOL_CALL


@EVERY_FORM
def test_an_error_in_the_stream_is_one_at_any_status(form: str) -> None:
    reader = read(form, bytes_of(form, "demo-model-error"))
    assert reader.done
    assert reader.answer.finish is Finish.ERROR
    assert b"error" in reader.answer.error


@EVERY_FORM
def test_a_stream_without_its_end_is_cut(form: str) -> None:
    assert read(form, bytes_of(form, "demo-model-cut")).is_cut
    assert not read(form, bytes_of(form)).is_cut


@EVERY_FORM
@given(
    cuts=st.lists(st.integers(min_value=0, max_value=5_000), max_size=40).map(tuple), fault=st.sampled_from(StreamFault)
)
@settings(max_examples=40, deadline=None)
def test_the_same_bytes_say_the_same_however_they_are_cut(form: str, cuts: tuple[int, ...], fault: StreamFault) -> None:
    came = bytes_of(form, f"demo-model-{fault}" if fault else "demo-model")
    for ending in (came, came.replace(b"\n", b"\r\n"), came.replace(b"\n", b"\r")):
        assert content(read(form, ending, cuts).answer) == content(read(form, came).answer)


@EVERY_FORM
@given(came=st.binary(max_size=2_000))
@settings(max_examples=40, deadline=None)
def test_no_bytes_break_a_reader(form: str, came: bytes) -> None:
    assert read(form, came).answer.events <= EVENTS_MOST


_NAMES = (
    "type", "delta", "choices", "content", "message", "tool_calls", "function", "arguments", "name", "usage", "error",
    "candidates", "parts", "functionCall", "finish_reason", "finishReason", "response", "index", "done", "text", "item",
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)
_TYPES = (
    "message_start", "content_block_delta", "message_delta", "message-end", "content-delta", "tool-call-start",
    "response.completed", "response.output_item.added", "error",
)  # fmt: skip


@EVERY_FORM
@given(event=st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=8), kind=st.sampled_from(_TYPES))
@settings(max_examples=60, deadline=None)
def test_no_event_of_any_shape_breaks_a_reader(form: str, event: dict[str, object], kind: str) -> None:
    FORMS[form].read("", {**event, "type": kind}, StreamedAnswer())


def test_comments_and_blank_lines_are_no_events_and_lines_of_data_are_one() -> None:
    framer = ServerSentEvents()
    assert framer.feed(b": waiting\n\n\nevent: x\ndata: a\ndata:b\nid: 3\n\n") == [("x", b"a\nb")]


def test_the_end_of_the_stream_ends_the_last_event() -> None:
    framer = ServerSentEvents()
    assert framer.feed(b"data: [DONE]") == []
    assert framer.close() == [("", b"[DONE]")]


def test_reasoning_is_a_token_and_no_text() -> None:
    answer = StreamedAnswer()
    for at_s, delta in ((1.0, {"reasoning_content": "hm"}), (3.0, {"content": "ready"})):
        answer.now_s = at_s
        FORMS["openai_chat"].read("", {"choices": [{"delta": delta}]}, answer)
    assert (answer.token_times_s, answer.first_visible_s, answer.reasons_first) == ([1.0, 3.0], 3.0, True)
    assert str(answer.text) == "ready"


def test_thoughts_of_gemini_are_billed_as_output() -> None:
    answer = StreamedAnswer()
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 30}
    FORMS["gemini"].read("", {"usageMetadata": usage}, answer)
    assert (answer.usage.input, answer.usage.output, answer.usage.reasoning) == (9, 32, 30)


@pytest.mark.parametrize(
    ("usage", "output"),
    [
        ({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135}, 103),
        ({"prompt_tokens": 32, "completion_tokens": 103, "total_tokens": 135}, 103),
        ({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 0}, 9),
        ({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": True}, 9),
        ({"prompt_tokens": 32, "completion_tokens": 9}, 9),
    ],
)
def test_reasoning_that_stands_in_the_total_alone_is_billed_as_output(usage: dict[str, object], output: int) -> None:
    answer = StreamedAnswer()
    FORMS["openai_chat"].read("", {"choices": [], "usage": usage}, answer)
    assert (answer.usage.input, answer.usage.output) == (32, output)


def test_a_count_that_is_none_is_not_believed() -> None:
    answer = StreamedAnswer()
    for said in (-1, True, "12", 1e99, None, 7):
        FORMS["openai_chat"].read("", {"choices": [], "usage": {"completion_tokens": said}}, answer)
    assert answer.usage.output == 7


@pytest.mark.parametrize(
    "endless",
    [b"data: " + b"x" * EVENT_BYTES_MOST, b"data: x\n" * (STREAM_BYTES_MOST // 8), b"data:\n\n" * (EVENTS_MOST + 1)],
)
def test_a_stream_beyond_its_bounds_is_refused(endless: bytes) -> None:
    reader = StreamReader(FORMS["openai_chat"])
    with pytest.raises(StreamTooLarge):
        for place in range(0, 2 * STREAM_BYTES_MOST, max(1, len(endless))):
            reader.feed(endless, float(place))


@pytest.mark.parametrize(
    ("host", "model", "limit", "asks_usage"),
    [
        ("api.openai.com", "m", "max_completion_tokens", True),
        ("mine.openai.azure.com", "m", "max_completion_tokens", True),
        ("mine.services.ai.azure.com", "m", "max_completion_tokens", True),
        ("api.mistral.ai", "m", "max_tokens", False),
        ("codestral.mistral.ai", "m", "max_tokens", False),
        ("gpu.example.com", "m", "max_tokens", True),
        # A gateway hands the request on to OpenAI, which refuses the older name for these.
        ("gateway.example.com", "openai/gpt-5.4-nano", "max_completion_tokens", True),
        ("gateway.example.com", "gpt-6-luna", "max_completion_tokens", True),
        ("gateway.example.com", "o3-mini", "max_completion_tokens", True),
        ("gateway.example.com", "gpt-4o", "max_tokens", True),
        ("gateway.example.com", "openai/gpt-oss-20b", "max_tokens", True),
        ("gateway.example.com", "olmo-3", "max_tokens", True),
    ],
)
def test_hosts_of_one_form_are_asked_in_their_own_words(host: str, model: str, limit: str, asks_usage: bool) -> None:
    asked = FORMS["openai_chat"].body(Prompt(model, "Hi", 16, None, None, host))
    assert asked[limit] == 16
    assert ("stream_options" in asked) is asks_usage
    assert "temperature" not in asked


def test_the_effort_of_reasoning_is_asked_for_in_the_words_of_each_form() -> None:
    prompt = Prompt("m", "Hi", 16, effort="none")
    assert FORMS["openai_chat"].body(prompt)["reasoning_effort"] == "none"
    assert FORMS["openai_responses"].body(prompt)["reasoning"] == {"effort": "none"}
    assert not any("reason" in name for name in FORMS["openai_chat"].body(Prompt("m", "Hi", 16)))
