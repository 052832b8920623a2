"""
A decoder that cuts documents which show their own end: :class:`DocumentDecoder`.

It skips what may stand between documents, reports garbage there once, and asks a subclass where a document
ends. The subclass keeps its place between two chunks, so each byte is looked at once.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import ClassVar

from attrs import define, field

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, FramingError, UnexpectedBytes
from tcpcomm.framing.base import Buffer, Decoder, Framing


def check_end(end: bytes, between: bytes) -> None:
    """
    Check the bytes that are sent behind each document.

    Raises:
        ConfigurationError: the receiver would not skip them.
    """
    if end.strip(between):
        raise ConfigurationError(
            f"end={end!r} must be made of bytes that may stand between documents: {between!r}"
        )


def check_document(framing: Framing, frame: bytes) -> None:
    """
    Check a document to send.

    Raises:
        EncodeError: it is too long, or the peer would not read it as one document.
    """
    framing.check_size(frame)
    try:
        frames = framing.decoder().feed(frame)
    except FramingError as fault:
        raise EncodeError(f"the peer could not read this: {fault.reason}") from fault
    if frames != [frame]:
        raise EncodeError(
            f"{frame[:40]!r} must be one whole document without blanks around it, not {len(frames)}"
        )


@define(eq=False, repr=False, weakref_slot=False)
class DocumentDecoder(Decoder):
    """Cuts documents. A subclass finds their beginnings and ends."""

    _max_frame: int
    _between: bytes

    begun: bool = field(default=False, init=False)
    """True if a document begins at the position that ``cut`` returned."""

    start: ClassVar[re.Pattern[bytes]]
    """The first bytes of a document."""

    whole_start: ClassVar[int]
    """The bytes that a match of ``start`` needs at most."""

    starts_with: ClassVar[str]
    """The first bytes of a document in words, for errors."""

    @abstractmethod
    def find_end(self, buffer: Buffer, position: int) -> int:
        """
        Return the position behind the document that begins at a position, or -1 if it is not complete.

        Go on at ``position + searched``, and keep :attr:`searched`. After :meth:`fail` return -1. Return a
        position below ``-1`` after a recoverable fault: ``~resume``, where the search goes on.
        """

    @abstractmethod
    def begin(self) -> None:
        """Forget the last document."""

    def cut(self, buffer: Buffer, position: int) -> int:
        while True:
            if not self.begun:
                position = self._find_start(buffer, position)
                if not self.begun:
                    return position
            end = self.find_end(buffer, position)
            if end < -1:
                self.begun = False
                return ~end
            if self._fault is not None:
                return position
            if (len(buffer) if end < 0 else end) - position > self._max_frame:
                reason = f"a document exceeds max_frame={self._max_frame}"
                self.fail(FrameTooLong, reason, at=position)
                return position
            if end < 0:
                return position
            self.begun = False
            self.searched = 0
            if not self.deliver(buffer[position:end], position):
                return end
            position = end

    def _find_start(self, buffer: Buffer, position: int) -> int:
        """Return the position where a document begins or may begin. Report garbage before it once."""
        size = len(buffer)
        if not self.scanning:
            while position < size and buffer[position] in self._between:
                position += 1
            found = self.start.match(buffer, position)
            if found is None:
                if size - position >= self.whole_start or (
                    position < size and not self.may_start(bytes(buffer[position:]))
                ):
                    first = bytes(buffer[position : position + 1])
                    reason = f"a document must begin with {self.starts_with}, not with {first!r}"
                    return self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=position)
                return position
        else:
            found = self.start.search(buffer, position)
            if found is None:
                return max(position, size - self.whole_start + 1)
            position = found.start()
        self.scanning = False
        self.begun = True
        self.searched = 0
        self.begin()
        return position

    def may_start(self, text: bytes) -> bool:
        """Return True if a document may begin with a text that is too short to tell."""
        return False

    def reset(self) -> None:
        super().reset()
        self.begun = False
