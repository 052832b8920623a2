"""The frames that a disturbance is for: :class:`Which`, such as ``reply 3`` or ``every 10 to-host``."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import Final

from attrs import field, frozen

from tcpcomm.session.observer import MessageKind, ObservedMessage


class Mode(Enum):
    """The way in which frames are counted."""

    NEXT = "next"
    NUMBER = "number"
    EVERY = "every"
    SHARE = "share"
    ALL = "all"


class Kind(Enum):
    """The kind of frames that are counted, with the word for several of them."""

    FRAME = "frames"
    REPLY = "replies"
    REQUEST = "requests"
    EVENT = "events"

    @property
    def singular(self) -> str:
        """The word for one of them."""
        return self.name.lower()


_MESSAGES: Final = {
    Kind.REPLY: {MessageKind.REPLY, MessageKind.FAULT, MessageKind.PART},
    Kind.REQUEST: {MessageKind.COMMAND},
    Kind.EVENT: {MessageKind.EVENT},
}
_UNCLEAR: Final = {MessageKind.UNREADABLE, MessageKind.OTHER}


@frozen
class PassingFrame:
    """A frame on its way through a tap."""

    wire: bytes
    """Its bytes, with delimiters, header and checksum."""

    to_host: bool
    """True if the equipment sent it, False if the host did."""

    connection: int
    """The number of the connection."""

    frame: bytes = b""
    """The frame without delimiters, header and checksum; masked if it carries a secret."""

    message: ObservedMessage | None = None
    """The decoded message, or None if the conversation is not declared."""

    is_secret: bool = False
    """True if its bytes must not be shown."""


@frozen
class Which:
    """The frames that a disturbance is for, and how they are counted."""

    mode: Mode = Mode.NEXT
    number: float = 1
    """The number of the frame, or each so many, or the share from 0 to 1."""

    kind: Kind = Kind.FRAME
    name: str = ""
    """The name of the command or event; empty: any. Only a declaration tells names."""

    to_host: bool | None = None
    """True if only frames of the equipment count, False if only those of the host; None: both."""

    connection: int | None = field(default=None)
    """The number of the connection; None: all, which are counted together."""

    @property
    def needs_messages(self) -> bool:
        """True if only a declaration can tell the frames."""
        return bool(self.name) or self.kind is Kind.EVENT

    @property
    def is_everything(self) -> bool:
        """True if every byte of its directions is meant."""
        return self.mode is Mode.ALL and self.kind is Kind.FRAME and not self.name

    @property
    def is_once(self) -> bool:
        """True if one frame at most is meant."""
        return self.mode in (Mode.NEXT, Mode.NUMBER)

    def may_concern(self, connection: int, *, to_host: bool) -> bool:
        """Return True if frames of this direction of this connection may be meant."""
        return self.to_host in (None, to_host) and self.connection in (None, connection)

    def counts(self, frame: PassingFrame) -> bool:
        """Return True if the frame is one of those that are counted."""
        if not self.may_concern(frame.connection, to_host=frame.to_host):
            return False
        message = frame.message
        if message is None:
            if self.name or self.kind is Kind.EVENT:
                return False
            return self.kind is Kind.FRAME or (self.kind is Kind.REPLY) == frame.to_host
        if self.name and self.name != message.name:
            return False
        if self.kind is Kind.FRAME:
            return True
        if message.kind in _UNCLEAR and self.kind is not Kind.EVENT:
            return (self.kind is Kind.REPLY) == frame.to_host
        return message.kind in _MESSAGES[self.kind]

    def may_be_next(self, counted: int) -> bool:
        """Return True if the next frame that counts may be meant, after so many others."""
        if self.mode is Mode.NUMBER:
            return counted + 1 == self.number
        if self.mode is Mode.EVERY:
            return (counted + 1) % self.number == 0
        return self.mode is not Mode.NEXT or counted == 0

    def is_meant(self, counted: int, random: Random) -> bool:
        """Return True if the frame is meant that follows after so many others."""
        return self.may_be_next(counted) and (self.mode is not Mode.SHARE or random.random() < self.number)

    def __str__(self) -> str:
        words = {
            Mode.NEXT: f"next {self.kind.singular}",
            Mode.NUMBER: f"{self.kind.singular} {self.number:.12g}",
            Mode.EVERY: f"every {self.number:.12g} {self.kind.value}",
            Mode.SHARE: f"share {self.number:.12g} {self.kind.value}",
            Mode.ALL: f"all {self.kind.value}",
        }[self.mode]
        return " ".join(filter(None, [words, f"of {self.name}" if self.name else "", self.place]))

    @property
    def place(self) -> str:
        """The words for the direction and the connection."""
        way = "" if self.to_host is None else "to-host" if self.to_host else "to-equipment"
        return " ".join(filter(None, [way, "" if self.connection is None else f"on {self.connection}"]))
