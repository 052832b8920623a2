"""The frames of a capture with their times: :func:`frames_of`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from tcpcomm.errors import FramingError
from tcpcomm.framing import Framing
from tcpcomm.framing.base import decode
from tcpcomm.tools.guess.capture import Capture, Side

_CONTROLS: Final = frozenset(range(0x20)) - frozenset(b"\t\r\n\x06\x15\x05\x1b")


@frozen
class Message:
    """
    A frame of one side.

    Attributes:
        side: who sent it.
        data: its bytes.
        chunk: the number of the chunk that completed it.
        at: the time of that chunk, or None.
        connection: the number of its connection, if several are joined.
    """

    side: Side
    data: bytes
    chunk: int
    at: float | None
    connection: int = 0


@frozen
class Line:
    """A frame as text."""

    side: Side
    text: str
    chunk: int
    at: float | None
    connection: int = 0


def frames_of(capture: Capture, framings: tuple[Framing | None, Framing | None]) -> list[Message]:
    """Cut both sides into frames, in the order in which they ended. Frames with faults are left out."""
    decoders = [None if each is None else each.decoder() for each in framings]
    found = []
    connection = 0
    for number, chunk in enumerate(capture.chunks):
        if chunk.begins:
            decoders = [None if each is None else each.decoder() for each in framings]
            connection += 1
        framing = framings[chunk.side]
        decoder = decoders[chunk.side]
        if framing is None or decoder is None:
            continue
        if chunk.after_gap:
            decoder = decoders[chunk.side] = framing.decoder()
        for frames in decode(decoder, chunk.data):
            if not isinstance(frames, FramingError):
                found += [Message(chunk.side, each, number, chunk.at, connection) for each in frames]
    return found


def is_text(frames: Sequence[Message]) -> bool:
    """Return True if the frames are text and not binary data."""
    controls = sum(byte in _CONTROLS for each in frames for byte in each.data)
    return not controls
