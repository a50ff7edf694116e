"""Shape of a form of API: how its request is made, how its stream is cut, and how an event is read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.ai.streams.answer import StreamedAnswer
from probes.ai.streams.framing import Framing

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """The one tool of a prompt; `parameters` is JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> Json:
        return dict(self.parameters) or {"type": "object", "properties": {}}

    @property
    def function(self) -> Json:
        """The offer as OpenAI's chat, and those who follow it, take it."""
        function = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One short question. `temperature` None leaves it to the model, since some refuse to be told, and so does an empty
    `effort`, of its reasoning.

    `host` is that of the address: hosts of one form differ in what they take.
    """

    model: str
    text: str
    tokens_most: int
    temperature: float | None = 0.0
    tool: ToolOffer | None = None
    host: str = ""
    effort: str = ""

    def with_temperature(self, body: Json) -> Json:
        return body if self.temperature is None else {**body, "temperature": self.temperature}


@dataclass(frozen=True, slots=True)
class StreamForm:
    """One form. `body` makes the request, `headers` go with it, `read` takes one event's name and content.

    `ends` is how the path of its address ends, in words for people.
    """

    framing: Framing
    body: Callable[[Prompt], Json]
    read: Callable[[str, Json, StreamedAnswer], None]
    ends: str
    headers: tuple[tuple[str, str], ...] = ()
    #: Content that is the end and no JSON.
    sentinel: bytes = b""
