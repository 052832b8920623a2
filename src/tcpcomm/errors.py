"""
Every error that tcpcomm raises, as one small tree.

Each message says what was wrong, where, and, where that helps, what to do. What is only logged, such as
the reason why a session ended, is plain text and not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

__all__ = [
    "BadChecksum",
    "BadEscape",
    "BadLength",
    "BadReply",
    "CodecError",
    "ConfigurationError",
    "EncodeError",
    "Fault",
    "FrameTooLong",
    "FramingError",
    "NotReady",
    "NotSent",
    "OutcomeUnknown",
    "ReplyTimeout",
    "SessionClosed",
    "TcpcommError",
    "TruncatedFrame",
    "UnexpectedBytes",
]


class TcpcommError(Exception):
    """The root of the tree: catch it to catch whatever tcpcomm itself raises."""


class ConfigurationError(TcpcommError, ValueError):
    """A framing, protocol or option was given values that can never work together."""


class EncodeError(TcpcommError, ValueError):
    """
    A frame cannot be sent with this framing, for the peer would read something else.

    It is too long, or holds the delimiter, or has the wrong size. Nothing was sent and nothing was cut.
    """


class CodecError(TcpcommError, ValueError):
    """
    A frame is not the message that it should be, or a value cannot be put into a message.

    Attributes:
        reason: what is wrong.
        path: where: names and positions from the message's outside in, such as ``points[2].x``; empty for
            the message as a whole.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class Fault(TcpcommError):
    """
    The equipment says no: raised by its handlers, and at the host by the call that was answered so.

    Attributes:
        code: which fault, a number or a word, as the equipment's manual lists them. Of an enumeration's
            member, an ``IntEnum``'s or ``StrEnum``'s, it is the value: that is what crosses the wire.
        reason: why, for people; empty where the wire has no room for it.
        data: more, where the codec can carry it (JSON).
    """

    def __init__(self, code: int | str, reason: str = "", data: Any = None) -> None:
        if isinstance(code, Enum):
            code = code.value
        super().__init__(f"{code}: {reason}" if reason else f"{code}")
        self.code = code
        self.reason = reason
        self.data = data


class SessionClosed(TcpcommError):
    """Something was to be sent on a session that is not open (any more): nothing was sent."""


class NotSent(TcpcommError):
    """A request was never written: the peer cannot have seen it, and it may be repeated."""


class NotReady(NotSent):
    """The link is not ready, so nothing was sent, and nothing is kept to be sent later."""


class OutcomeUnknown(TcpcommError):
    """
    The connection was lost after a request was written and before its reply came.

    The peer may have acted on it or not. Whether it may be repeated only the application can know.
    """


class ReplyTimeout(OutcomeUnknown):
    """
    No reply came in time.

    The session is dropped, so that a late reply can never answer the next request.
    """


class BadReply(OutcomeUnknown):
    """What came back is no reply to that command. It was carried out, or not."""


class FramingError(TcpcommError):
    """
    Received bytes broke the rule of the framing.

    Attributes:
        frames: the good frames that the same call completed before the fault, in order.
        offset: where the faulty frame begins, in bytes since the start of the stream.
        recoverable: the decoder found, or will find, a place to go on; otherwise the boundaries are
            lost and the decoder answers every later call with this same error.
        details: more, for a log: the bytes that came of the frame, and what lacks. It stays apart from the
            text, for the bytes may be secret.

    Two faults are the same fault when class, text, offset and recoverability agree, however the bytes
    were cut into chunks.
    """

    def __init__(
        self, reason: str, *, offset: int, recoverable: bool, frames: Sequence[bytes] = ()
    ) -> None:
        super().__init__(f"{reason} (frame at byte {offset} of the stream)")
        self.reason = reason
        self.offset = offset
        self.recoverable = recoverable
        self.frames: list[bytes] = list(frames)
        self.details = ""


class FrameTooLong(FramingError):
    """A frame is, or announces to be, longer than ``max_frame``."""


class BadLength(FramingError):
    """A length field that is no number, or that is smaller than the header it counts."""


class BadChecksum(FramingError):
    """The checksum in the frame is not the checksum of the frame."""


class BadEscape(FramingError):
    """An escape byte is followed by a byte that it cannot stand before."""


class UnexpectedBytes(FramingError):
    """Bytes where a frame, a sync word or a terminator had to be."""


class TruncatedFrame(FramingError):
    """The stream ended, or fell silent, in the middle of a frame."""
