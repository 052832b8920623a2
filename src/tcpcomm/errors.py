"""
The errors that tcpcomm raises, in one tree.

Each message says what was wrong, where, and what to do about it. The reason why a session ended is only
logged: it is plain text and not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

_MOST_RECEIVED: Final = 4096


class TcpcommError(Exception):
    """The root of the tree: catch it to catch all errors of tcpcomm."""


class ConfigurationError(TcpcommError, ValueError):
    """A framing, protocol or option got values that can never work together."""


class EncodeError(TcpcommError, ValueError):
    """
    A frame cannot be sent with this framing, because the peer would read something else.

    It is too long, or holds the delimiter, or has the wrong size. Nothing was sent and nothing was cut.
    """


class CodecError(TcpcommError, ValueError):
    """
    A frame does not fit the expected message, or a value does not fit into a message.

    Attributes:
        reason: the mistake.
        path: its place in the message, as names and positions such as ``points[2].x``; empty for the whole
            message.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class Fault(TcpcommError):
    """
    The equipment says no. Its handlers raise this, and so does the call at the host.

    Attributes:
        code: the number or word of the fault, from the equipment's manual. For a member of an ``IntEnum``
            or ``StrEnum`` it is the value, which crosses the wire.
        reason: the reason, for people; empty if the declared faults have no room for it.
        data: further details, if the codec can carry them (JSON).
    """

    def __init__(self, code: int | str, reason: str = "", data: Any = None) -> None:
        if isinstance(code, Enum):
            code = code.value
        super().__init__(f"{code}: {reason}" if reason else f"{code}")
        self.code = code
        self.reason = reason
        self.data = data


class NoReply(TcpcommError):
    """
    Equipment says nothing: raise it in a handler, or in ``Equipment.unknown``.

    A device on a shared line is silent if a message is for another one. The host that asked waits until its
    timeout.
    """


class SessionClosed(TcpcommError):
    """The session is not open, or no longer open: nothing was sent."""


class NotSent(TcpcommError):
    """A request was never written: the peer cannot have seen it, so it may be repeated."""


class NotReady(NotSent):
    """The link is not ready: nothing was sent, and nothing is kept to be sent later."""


class LoginRefused(NotReady):
    """
    The other side sent something else than the declared login, or the credentials are wrong.

    Attributes:
        after_credentials: True if credentials were sent before, so that they are probably wrong.
    """

    def __init__(self, problem: str, *, after_credentials: bool = False) -> None:
        super().__init__(problem)
        self.after_credentials = after_credentials


class OutcomeUnknown(TcpcommError):
    """
    The connection was lost after a request was written and before its reply came.

    The peer may have acted on it or not. Only the application can know if it may be repeated.
    """


class ReplyTimeout(OutcomeUnknown):
    """
    No reply came in time.

    The session is dropped, so that a late reply can never answer the next request.
    """


class BadReply(OutcomeUnknown):
    """
    The answer is not a reply to the command, which was carried out or not.

    Attributes:
        frame: the frame that came in place of the reply.
    """

    def __init__(self, reason: str, frame: bytes = b"") -> None:
        super().__init__(reason)
        self.frame = frame


class FramingError(TcpcommError):
    """
    Received bytes broke the rule of the framing.

    Attributes:
        frames: the good frames that the same call completed before the fault, in order.
        offset: the begin of the faulty frame, in bytes since the start of the stream.
        recoverable: True if the decoder found, or will find, the next frame. If False, the boundaries are
            lost, and every later call of the decoder raises this same error.
        details: the received part of the frame, and the missing part, for a log. They are not in the text,
            because the bytes may be secret.
        received: the last bytes that the decoder held, at most 4 KiB: the faulty frame, and what stands
            around it. They may be secret, too.

    Two faults are the same if class, text, offset and ``recoverable`` are equal, however the bytes were cut
    into chunks.
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
        self.received = b""

    def keep_received(self, held: bytes | bytearray) -> None:
        """Keep the last bytes of those that the decoder holds, unless some are kept already."""
        if not self.received:
            self.received = bytes(memoryview(held)[-_MOST_RECEIVED:])


class FrameTooLong(FramingError):
    """A frame is, or announces to be, longer than ``max_frame``."""


class BadLength(FramingError):
    """A length field is not a number, or is smaller than the header that it counts."""


class BadChecksum(FramingError):
    """The checksum in the frame is not the checksum of the frame."""


class BadEscape(FramingError):
    """An escape byte is followed by a byte that may not follow it."""


class UnexpectedBytes(FramingError):
    """There are other bytes where a frame, a sync word or a terminator must be."""


class TruncatedFrame(FramingError):
    """The stream ended, or fell silent, in the middle of a frame."""
