"""Messages of a WebSocket connection, put together from frames, and refused where a client must (RFC 6455)."""

from __future__ import annotations

from wsproto.frame_protocol import Frame, FrameDecoder, FrameProtocol, Opcode, ParseFailed

from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.stream import Stream

_MESSAGE_MOST = 65_536
#: Frames of a message, and controls between them, that are read before it is no honest message any more.
_FRAMES_MOST = 200


class Conversation:
    """Messages of one connection; `last` is the last whole one, or None."""

    def __init__(self, stream: Stream, protocol: FrameProtocol) -> None:
        self.last: bytes | None = None
        self._stream = stream
        self._protocol = protocol
        self._decoder = FrameDecoder(client=True)
        self._pieces = bytearray()
        self._is_text: bool | None = None

    async def message_with(self, expected: bytes) -> bytes:
        """The first message that contains the text, or the last one before the other side closed."""
        frames = 0
        while frames < _FRAMES_MOST:
            frame = await _frame(self._stream, self._decoder)
            assert isinstance(frame.payload, bytes)
            frames += frame.frame_finished
            if frame.opcode is Opcode.CLOSE:
                closing = _closing(frame.payload)
                if self.last is None:
                    raise ClosedEarly(f"closed with {closing} before a message came")
                return self.last
            if frame.opcode is Opcode.PING:
                self._stream.send(bytes(self._protocol.pong(frame.payload)))
            elif not frame.opcode.iscontrol() and self._take(frame) and self.last is not None and expected in self.last:
                return self.last
        raise TooLarge(f"no such message in {_FRAMES_MOST} frames")

    def _take(self, frame: Frame) -> bool:
        """Add a piece of a message; True when it is whole. Raises ProtocolBroken where a client must fail."""
        assert isinstance(frame.payload, bytes)
        if frame.opcode is Opcode.CONTINUATION:
            if self._is_text is None:
                raise ProtocolBroken("not WebSocket: a message that continues and never began")
        elif self._is_text is not None:
            raise ProtocolBroken("not WebSocket: a message within another one")
        else:
            self._is_text = frame.opcode is Opcode.TEXT
            self._pieces.clear()
        self._pieces += frame.payload
        _check_size(len(self._pieces))
        if not (frame.frame_finished and frame.message_finished):
            return False
        if self._is_text and not _is_utf8(self._pieces):
            raise ProtocolBroken("not WebSocket: a text that is not UTF-8")
        self.last, self._is_text = bytes(self._pieces), None
        return True


def _is_utf8(text: bytearray) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _frame(stream: Stream, decoder: FrameDecoder) -> Frame:
    """The next frame, or what has come of a large one, as a frame that is not finished."""
    try:
        while (frame := decoder.process_buffer()) is None:
            if decoder.header is not None:
                _check_size(decoder.header.payload_len)
            came = await stream.more()
            if not came:
                raise ClosedEarly("closed in the middle of the answer")
            decoder.receive_bytes(came)
    except ParseFailed as error:
        raise ProtocolBroken(f"not WebSocket: {error}") from None
    return frame


def _check_size(size: int) -> None:
    if size > _MESSAGE_MOST:
        raise TooLarge(f"a message of more than {_MESSAGE_MOST // 1024} KiB")


def _closing(payload: bytes) -> str:
    if len(payload) == 1:
        raise ProtocolBroken("not WebSocket: it closes with half a code")
    return f"code {int.from_bytes(payload[:2])}" if payload else "no code"
