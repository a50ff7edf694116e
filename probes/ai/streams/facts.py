"""Facts of a streamed answer, as a result carries them. Pure."""

from __future__ import annotations

from probes.ai.streams.answer import StreamedAnswer
from probes.ai.streams.timing import StreamTiming
from probes.wire import Fact

#: The fact that says that nothing was sent, so that nothing was billed.
NOT_SENT = "not_sent"
INPUT_TOKENS, OUTPUT_TOKENS = "input_tokens", "output_tokens"
#: The fact that names what is wrong with an answer (`AnswerFault`).
ANSWER_FAULT = "answer_fault"


def stream_facts(answer: StreamedAnswer, timing: StreamTiming, is_whole: bool = True) -> dict[str, Fact]:
    """Times in milliseconds, tokens as the provider counted them; what is not known is left out.

    Of a stream that is not whole no count is the last one: Anthropic begins with an output of 1.
    """
    times = {
        "headers_ms": timing.headers_s,
        "first_byte_ms": timing.first_byte_s,
        "first_token_ms": timing.first_token_s,
        "first_text_ms": timing.first_visible_s,
        "gap_p95_ms": timing.gap_p95_s,
        "longest_stall_ms": timing.longest_stall_s,
        "stream_ms": timing.total_s,
    }
    facts: dict[str, Fact] = {name: round(1000 * s) for name, s in times.items() if s is not None}
    counted = {
        INPUT_TOKENS: answer.usage.input,
        OUTPUT_TOKENS: answer.usage.output,
        "reasoning_tokens": answer.usage.reasoning,
    }
    facts |= {name: number for name, number in counted.items() if is_whole and number is not None}
    if timing.tokens_per_s is not None:
        facts["tokens_per_s"] = round(timing.tokens_per_s, 1)
    facts["token_events"] = len(answer.token_times_s)
    facts["characters"] = answer.text.length
    for name, text in (("finish_reason", answer.finish_said), ("model_answered", answer.model)):
        if text:
            facts[name] = "".join(each if each.isprintable() else " " for each in text)
    if timing.buffered:
        facts["buffered"] = True
    return facts
