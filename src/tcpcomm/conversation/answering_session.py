"""Sessions that answer commands by generated functions: :class:`AnsweringSession`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import length_hint
from time import monotonic
from types import CoroutineType
from typing import Any

from tcpcomm.codec.codegen import LONGEST
from tcpcomm.conversation.answering_loop import DONE, finished
from tcpcomm.conversation.responder import Responder, current
from tcpcomm.runtime.watchdog import watchdog
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.send_buffer import SEND_CHUNK
from tcpcomm.session.turns import FIRST_FRAMES, SMALLEST_BITE


class AnsweringSession(FrameProtocol):
    """
    A session with two ways for commands: the general one, and the short one of the generated functions.

    A chunk goes the short way if it is made of whole frames, and nothing of the session is unusual: it is
    not held, no bytes wait in either direction, no handler is at work, and no observer watches. So do the
    frames that were cut the general way. At the first unusual frame, or after a handler that did something
    unusual, the general way goes on. It alone decides about such cases, so the results of both ways are the
    same.
    """

    __slots__ = ("charset", "responder", "takes_chunks")

    responder: Responder
    """Answers the commands, once the session is ready."""
    charset: str | None
    """The encoding of frames that the generated functions want as text, as Python calls it."""
    takes_chunks: bool
    """True if the generated functions may be called."""

    def use_loops(self) -> None:
        """Let the generated functions answer from now on, if there are some for this session's framing."""
        declaration = self.declaration
        self.charset = declaration.dialect.charset
        self.takes_chunks = (
            self.responder.loops is not None
            and self._heartbeat_monitor is None
            and self.framing.self_delimiting
            and self.send_framing == declaration.sent
        )

    def dataReceived(self, data: bytes) -> None:  # type: ignore[override] # the others are private
        buffer, decoder = self._send_buffer, self._decoder
        if (
            self.is_held
            or not (self.takes_chunks and decoder.idle)
            or buffer.corked
            or buffer.waiting
            or buffer.blocked_since is not None
            or self._receive_queue is not None
            or len(data) > SMALLEST_BITE
            or self.responder.under_way
            or self.observers.watches_traffic
        ):
            self._deliver(data)
            return
        charset = self.charset
        frames: Sequence[Any] | None
        try:
            frames = decoder.cut_chunk(data) if charset is None else decoder.cut_text(data, charset)
        except UnicodeDecodeError:
            frames = None
        count = len(frames or ())
        if not frames or count > self._most_frames:
            self._deliver(data)
            return
        now = self._last_received_at = self._seconds()
        self.frames_received += count
        buffer.corked = True
        try:
            if count == 1:
                self._answer_one(data, frames[0])
            else:
                self._answer_chunk(data, frames)
                if count >= FIRST_FRAMES or count >= self._most_frames:
                    self._learn(count, now)
        except Exception:
            self._handler_failed()
        finally:
            buffer.corked = False
        if self.is_held or self._receive_queue is not None:
            self._deliver(None, now)
        elif buffer.waiting:
            buffer.flush()

    def _answer_one(self, data: bytes, frame: Any) -> None:
        responder, buffer, decoder = self.responder, self._send_buffer, self._decoder
        token = current.set(self)
        watchdog.since = monotonic()
        try:
            reply = responder.loops.one(self, buffer, responder.calls, frame)
        finally:
            watchdog.handler = None
            current.reset(token)
        if type(reply) is not bytes:
            responder.answer(decoder.feed(data), reply)
            return
        decoder.offset += len(data)
        self.frames_sent += 1
        if buffer.blocked_since is None:
            buffer.hand_over(reply, self._last_received_at)
        else:
            buffer.write(reply)

    def _answer_chunk(self, data: bytes, frames: Sequence[Any]) -> None:
        decoder = self._decoder
        rest, begun = self._answer_several(frames, partial(decoder.feed, data))
        if begun is DONE:
            decoder.offset += len(data)
        else:
            self.responder.answer(decoder.feed(data)[rest:], begun)

    def answer_frames(self, frames: list[bytes]) -> None:
        """Answer frames that were cut the general way."""
        texts = self._usual_texts(frames)
        rest, begun = (0, None) if texts is None else self._answer_several(texts, lambda: frames)
        if begun is not DONE:
            self.responder.answer(frames[rest:], begun)

    def _usual_texts(self, frames: list[bytes]) -> Sequence[Any] | None:
        """Return frames as the generated functions want them, or None if they must not be called."""
        buffer = self._send_buffer
        if (
            not self.takes_chunks
            or self.responder.under_way
            or buffer.blocked_since is not None
            or buffer.waiting + LONGEST * len(frames) > SEND_CHUNK
            or self.observers.watches_traffic
        ):
            return None
        charset = self.charset
        try:
            return frames if charset is None else [frame.decode(charset) for frame in frames]
        except UnicodeDecodeError:
            return None

    def _answer_several(
        self, frames: Sequence[Any], as_bytes: Callable[[], list[bytes]]
    ) -> tuple[int, Any]:
        """
        Answer frames up to the first unusual one. Return its place, and how its command was begun.

        The second is DONE if all are answered.

        Args:
            frames: the frames.
            as_bytes: returns the same frames as bytes. It is called if a handler ends the program, or is
                interrupted, to keep the frames behind.
        """
        responder, buffer, left = self.responder, self._send_buffer, iter(frames)
        buffer.ahead = []
        token = current.set(self)
        watchdog.since = monotonic()
        try:
            begun = responder.loops.several(responder, self, buffer, responder.calls, left)
            if type(begun) is CoroutineType:
                begun = finished(begun, responder)
        except BaseException:
            self.put_back(as_bytes()[len(frames) - length_hint(left) :])
            raise
        finally:
            watchdog.handler = None
            current.reset(token)
            buffer.take_ahead()
            buffer.ahead = None
        return len(frames) - length_hint(left) - 1, begun
