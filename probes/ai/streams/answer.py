"""Streamed answer as it grows: its text, tool calls, end, usage, and the time of each token event. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

#: Characters of text and of the arguments of a tool call that are kept; a canary asks for a short answer.
TEXT_MOST = 65_536
TOOL_CALLS_MOST = 16
#: Token events whose times are kept.
TOKENS_MOST = 20_000
_NAME_MOST = 200
#: Bytes of an error that are kept.
_ERROR_MOST = 16_384
#: No answer to a canary has more; a larger number is no count.
_COUNT_MOST = 100_000_000


class Finish(StrEnum):
    """Why an answer ended, in one word for all APIs."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALL = "tool_call"
    REFUSAL = "refusal"
    FILTER = "filter"
    ERROR = "error"
    OTHER = "other"


@dataclass(slots=True)
class PiecedText:
    """A bounded text that comes in pieces."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, piece: str) -> None:
        piece = piece[: TEXT_MOST - self.length]
        if piece:
            self.pieces.append(piece)
            self.length += len(piece)

    def __str__(self) -> str:
        return "".join(self.pieces)


@dataclass(slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON as it was streamed."""

    name: str = ""
    arguments: PiecedText = field(default_factory=PiecedText)


@dataclass(slots=True)
class TokenUsage:
    """Tokens that the provider counted; None where it said nothing. `output` includes hidden reasoning."""

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None


@dataclass(slots=True)
class StreamedAnswer:
    """Everything a stream has said so far. `now_s` is the time of the event in hand, on the caller's clock."""

    text: PiecedText = field(default_factory=PiecedText)
    refusal: PiecedText = field(default_factory=PiecedText)
    calls: dict[int, ToolCall] = field(default_factory=dict)
    finish: Finish | None = None
    #: The finish reason in the provider's own word.
    finish_said: str = ""
    #: The marker after which nothing comes.
    ended: bool = False
    usage: TokenUsage = field(default_factory=TokenUsage)
    model: str = ""
    #: An error in the stream, as JSON; empty without one.
    error: bytes = b""
    malformed: int = 0
    events: int = 0
    now_s: float = 0.0
    token_times_s: list[float] = field(default_factory=list)
    first_visible_s: float | None = None
    reasons_first: bool = False

    def says(self, text: object) -> None:
        """Visible text."""
        if isinstance(text, str) and text:
            self.text.add(text)
            self._token(visible=True)

    def reasons(self, text: object) -> None:
        """Reasoning, which the user does not see."""
        if isinstance(text, str) and text:
            self.reasons_first = self.reasons_first or not self.token_times_s
            self._token(visible=False)

    def refuses(self, text: object) -> None:
        """Text that the provider marks as a refusal."""
        if isinstance(text, str) and text:
            self.refusal.add(text)
            self._token(visible=True)

    def calls_tool(self, index: object, name: object, arguments: object) -> None:
        """A piece of a tool call: its name, once, and its arguments, in pieces.

        Without an index, as Gemini and Ollama have it in OpenAI's form, each name begins a call.
        """
        last = max(self.calls, default=0)
        place = index if isinstance(index, int) and not isinstance(index, bool) else last + bool(self.calls and name)
        call = self.calls.get(place)
        if call is None:
            if len(self.calls) >= TOOL_CALLS_MOST:
                return
            call = self.calls[place] = ToolCall()
        if isinstance(name, str) and name and not call.name:
            call.name = name[:_NAME_MOST]
        if isinstance(arguments, str) and arguments:
            call.arguments.add(arguments)
            self._token(visible=True)

    def finishes(self, said: object, meaning: dict[str, Finish]) -> None:
        """The finish reason, in the provider's word."""
        if isinstance(said, str) and said:
            self.finish_said = said[:_NAME_MOST]
            self.finish = meaning.get(said, Finish.OTHER)

    def fails(self, error: object) -> None:
        """An error in the stream, at whatever status it began."""
        if not self.error:
            self.error = msgspec.json.encode({"error": error})[:_ERROR_MOST]
            self.finish = Finish.ERROR

    def is_of_model(self, model: object) -> None:
        if isinstance(model, str) and model and not self.model:
            self.model = model[:_NAME_MOST]

    def counts(self, input: object = None, output: object = None, reasoning: object = None) -> None:
        """What the provider counted; the last word holds."""
        usage = self.usage
        usage.input = count(input, usage.input)
        usage.output = count(output, usage.output)
        usage.reasoning = count(reasoning, usage.reasoning)

    def _token(self, visible: bool) -> None:
        if len(self.token_times_s) < TOKENS_MOST:
            self.token_times_s.append(self.now_s)
        if visible and self.first_visible_s is None:
            self.first_visible_s = self.now_s


def count(said: object, before: int | None = None) -> int | None:
    """A number of tokens, or what stood there before where it is none."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= _COUNT_MOST:
        return before
    return int(said)


def output_count(output: object, total: object, input: object) -> int | None:
    """Tokens of the answer. Of xAI, and of Gemini in OpenAI's form, hidden reasoning is in the total alone, and billed:
    https://docs.x.ai/docs/key-information/consumption-and-rate-limits"""
    said, whole, asked = count(output), count(total), count(input)
    return said if said is None or whole is None or asked is None else max(said, whole - asked)


def inside(holder: object, *names: str | int) -> object:
    """What stands below these names and places of decoded JSON; None where nothing does."""
    for name in names:
        if isinstance(name, str):
            holder = holder.get(name) if isinstance(holder, dict) else None
        else:
            holder = holder[name] if isinstance(holder, list) and len(holder) > name else None
    return holder


def encoded(arguments: object) -> str:
    """Arguments that come as an object, in the form in which the others stream them."""
    return msgspec.json.encode(arguments if arguments is not None else {}).decode()
