"""The frames of a capture with their times: :func:`frames_of`, and the encoding of their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from tcpcomm.errors import FramingError
from tcpcomm.framing import Framing
from tcpcomm.framing.base import decode
from tcpcomm.tools.guess.capture import Capture, Side

ENCODINGS: Final = ("utf-8", "cp949", "cp932", "gbk", "latin-1")
"""The encodings that are tried where bytes are not ASCII."""

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


def encoding_of(frames: Sequence[Message]) -> str | None:
    """Return the likeliest encoding of the frames, or None if they are not text."""
    raw = b"\n".join({each.data: None for each in frames})
    if raw.isascii():
        return "ascii"
    if _read(raw, "utf-8"):
        return "utf-8"
    found = [(_likeness(text, name), name) for name in ENCODINGS if (text := _read(raw, name))]
    return max(found)[1] if found else None


def _read(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _likeness(text: str, encoding: str) -> float:
    """Return a figure that is high if the characters beyond ASCII are usual ones of one language."""
    weights = [_weight(each, encoding) for each in text if ord(each) > 0x7F]
    return sum(weights) / len(weights)


def _weight(character: str, encoding: str) -> float:
    code = ord(character)
    if 0xAC00 <= code <= 0xD7A3:
        usual = len(character.encode("euc_kr", "ignore")) == 2
        return 1.5 if usual else -1.0
    if 0x3040 <= code <= 0x30FF:
        return 1.5
    if 0x4E00 <= code < 0xA000:
        return -1.0 if encoding == "cp949" else 1.0  # Korean equipment hardly writes Chinese characters
    if 0xA0 <= code <= 0x17F:
        return 0.6 if encoding == "latin-1" else 0.3
    if 0xFF61 <= code <= 0xFF9F or code < 0xA0 or 0xE000 <= code < 0xF900:
        return -1.5
    return 0.2
