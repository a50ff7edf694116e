"""Reader of one streamed answer: bytes in, with their times; out comes what was said, and when. Pure.

The bytes may be cut anywhere: the same bytes give the same answer, and each event has the time of its last byte.
"""

from __future__ import annotations

import msgspec

from probes.ai.streams.answer import StreamedAnswer
from probes.ai.streams.framing import Frame, StreamTooLarge, framer
from probes.ai.streams.shape import StreamForm

#: Bytes and events of one stream; a canary's answer has some hundred kilobytes at most.
STREAM_BYTES_MOST, EVENTS_MOST = 1_048_576, 20_000


class StreamReader:
    """Feed it until `done`, then `close` it; `answer` is what was said. Raises StreamTooLarge."""

    __slots__ = ("_form", "_framer", "_taken", "answer", "first_byte_s", "last_s")

    def __init__(self, form: StreamForm) -> None:
        self._form = form
        self._framer = framer(form.framing)
        self._taken = 0
        self.answer = StreamedAnswer()
        self.first_byte_s: float | None = None
        self.last_s = 0.0

    @property
    def done(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.answer.ended or bool(self.answer.error)

    @property
    def is_cut(self) -> bool:
        """Whether the stream, if it ends here, ends without its end. A finish reason counts as one: some servers leave
        the marker out."""
        return not self.done and self.answer.finish is None

    def feed(self, came: bytes, at_s: float) -> None:
        """Take the next bytes of the body, which came at this time on the caller's clock."""
        if not came:
            return
        if self.first_byte_s is None:
            self.first_byte_s = at_s
        self.last_s = at_s
        self._taken += len(came)
        if self._taken > STREAM_BYTES_MOST:
            raise StreamTooLarge(f"a stream of more than {STREAM_BYTES_MOST // 1024} KiB")
        self._take(self._framer.feed(came), at_s)

    def close(self) -> None:
        """The end of the body; what is too large to be an event there is none."""
        try:
            self._take(self._framer.close(), self.last_s)
        except StreamTooLarge:
            self.answer.malformed += 1

    def _take(self, frames: list[Frame], at_s: float) -> None:
        answer = self.answer
        answer.now_s = at_s
        for frame in frames:
            if self.done:
                return
            answer.events += 1
            if answer.events > EVENTS_MOST:
                raise StreamTooLarge(f"a stream of more than {EVENTS_MOST} events")
            content = frame.content.strip()
            if self._form.sentinel and content == self._form.sentinel:
                answer.ended = True
                return
            self._read(frame.name, content)

    def _read(self, name: str, content: bytes) -> None:
        try:
            event = msgspec.json.decode(content)
        except (msgspec.DecodeError, ValueError, RecursionError):
            event = None
        if isinstance(event, dict):
            self._form.read(name, event, self.answer)
        elif isinstance(event, list) and event and isinstance(event[0], dict) and "error" in event[0]:
            # Google writes the errors of an array of answers so.
            self.answer.fails(event[0]["error"])
        elif name == "error":
            # A gateway that writes of it in plain words.
            self.answer.fails(content.decode("utf-8", "replace"))
        else:
            self.answer.malformed += 1
