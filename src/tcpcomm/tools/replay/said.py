"""The frames of both sides of one connection: :class:`Said`, :class:`ConversationReader`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from tcpcomm.errors import FramingError
from tcpcomm.session.observer import MessageKind, ObservedMessage, Observers, SessionObserver
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech


@frozen(eq=False)
class Said:
    """One frame of a conversation, or a fault in place of frames."""

    from_host: bool
    frame: bytes
    messages: tuple[ObservedMessage, ...] = ()
    """The messages in the frame. There are none if the conversation is not declared."""
    fault: str = ""
    """The name of the fault, if the bytes broke the rule of the framing; then there is no frame."""
    is_masked: bool = False
    """True if the frame was secret, so that a recording has only its length."""

    @property
    def message(self) -> ObservedMessage | None:
        """The first message in the frame, or None."""
        return self.messages[0] if self.messages else None


@frozen(kw_only=True)
class Step:
    """
    One chunk of a recorded conversation, with the frames that it completes.

    Attributes:
        at: the time in seconds since the connection was opened.
        from_host: True if the host sent it.
        data: the bytes; for a secret as many ``*``.
        said: the frames and faults that it completes.
        time: the time in microseconds since 1970.
    """

    at: float
    from_host: bool
    data: bytes
    said: tuple[Said, ...] = ()
    time: int = 0
    is_masked: bool = False


class _Collector(SessionObserver):
    """Collects frames with their messages, in the view of the equipment."""

    def __init__(self) -> None:
        self._found: list[Said] = []
        self._messages: list[ObservedMessage] = []

    def frame_received(self, session: Any, frame: bytes) -> None:
        self._begin(frame, from_host=True)

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self._begin(frame, from_host=False)

    def _begin(self, frame: bytes, *, from_host: bool) -> None:
        self._finish()
        self._found.append(Said(from_host, frame))

    def message(self, session: Any, message: ObservedMessage) -> None:
        self._messages.append(message)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        self._finish()
        self._found.append(Said(not sent, b"", fault=type(fault).__name__))

    def _finish(self) -> None:
        if self._messages and self._found:
            self._found[-1] = evolve(self._found[-1], messages=tuple(self._messages))
        self._messages = []

    def take(self) -> list[Said]:
        """Return the frames since the last call."""
        self._finish()
        found, self._found = self._found, []
        return found


class ConversationReader:
    """
    Cuts and decodes the bytes of both sides of one connection, without I/O.

    Args:
        speech: the language.
        observers: watch, in the view of the equipment.
        session: the session that they see.
    """

    def __init__(
        self,
        speech: Speech,
        observers: Sequence[SessionObserver] = (),
        session: OverheardSession | None = None,
    ) -> None:
        self._collector = _Collector()
        self._now = 0.0
        self._dissector = Dissector(
            OverheardSession(peer="", speech=speech) if session is None else session,
            Observers([self._collector, *observers]),
            lambda: self._now,
        )
        self._dissector.open()

    def feed(self, data: bytes, now: float, *, from_host: bool) -> list[Said]:
        """Take a chunk at a time in seconds. Return the frames and faults that it completes."""
        self._now = now
        self._dissector.feed(data, to_host=not from_host)
        return self._collector.take()

    def silence(self, now: float, *, from_host: bool) -> list[Said]:
        """Take note that a side was silent for the gap of the language. Return the frame that this ends."""
        self._now = now
        self._dissector.silence(to_host=not from_host)
        return self._collector.take()

    def close(self, reason: str) -> None:
        """Take note of the end of the connection."""
        self._dissector.close(reason)


def is_beat(said: Said, heartbeat: str | None) -> bool:
    """Return True for a heartbeat of either side, and for the answer to one. Their number is by chance."""
    message = said.message
    if message is None or len(said.messages) > 1:
        return False
    if message.kind is MessageKind.HEARTBEAT:
        return True
    asked = message if message.answers is None else message.answers
    return heartbeat is not None and asked.name == heartbeat


def is_login(said: Said) -> bool:
    """Return True for a frame of a greeting or a login."""
    return said.message is not None and said.message.kind is MessageKind.LOGIN
