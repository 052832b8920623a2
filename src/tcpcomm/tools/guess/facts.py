"""Facts about the messages of a binary link, added to a guess: :func:`with_facts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from tcpcomm.errors import FramingError, TcpcommError
from tcpcomm.framing import Decoder, Framing, decode, parse_framing
from tcpcomm.tools.guess.answer import Guess, Notations, Verdict
from tcpcomm.tools.guess.binary.draft import draft_header
from tcpcomm.tools.guess.binary.facts import Before, find_facts
from tcpcomm.tools.guess.capture import Capture, CapturedChunk, Side

_MOST_FRAMES: Final = 2000
"""Frames that are looked at. More of them prove nothing more."""

_FEW_FRAMES: Final = 20
"""Frames that show where those that the framing delivers stand on the wire."""

_TEXT: Final = frozenset((*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\r\n\x1b"))
_BINARY: Final = 0.05
"""The share of control characters from which on frames are not text."""


def with_facts(capture: Capture, guess: Guess) -> Guess:
    """
    Return a guess with facts about its messages, if they are binary and their framing is known.

    Args:
        capture: the bytes of both sides.
        guess: the framings of the capture.
    """
    if guess.best is None or guess.verdict is Verdict.NOTHING:
        return guess
    frames: list[tuple[Side, bytes]] = []
    for frame in _frames(capture.chunks[guess.skipped :], guess.best.framings):
        frames.append(frame)
        if len(frames) >= _MOST_FRAMES:
            break
    if not _are_binary(frames):
        return guess
    framings = [None if each is None else parse_framing(each) for each in guess.best.framings]
    before = bytes_before(framings, frames)
    found = find_facts(frames, before=before)
    facts = [*found.sentences]
    header = draft_header(frames, before)
    if header.text:
        facts += [f"this codec reads all headers: {header.text}", *header.notes]
    return evolve(guess, facts=(*guess.facts, *facts), unexplained=found.unexplained or guess.unexplained)


def _frames(chunks: Sequence[CapturedChunk], notations: Notations) -> Iterator[tuple[Side, bytes]]:
    """
    Yield the frames of both sides in their order.

    Behind a gap nobody knows where a frame begins, until the other side has spoken and this one answers.
    """
    framings = [None if each is None else parse_framing(each) for each in notations]
    decoders: list[Decoder | None] = [None if each is None else each.decoder() for each in framings]
    for chunk in chunks:
        if chunk.begins:
            decoders = [None if each is None else each.decoder() for each in framings]
        other = framings[1 - chunk.side]
        if decoders[1 - chunk.side] is None and other is not None:
            decoders[1 - chunk.side] = other.decoder()
        if chunk.after_gap:
            decoders[chunk.side] = None
        decoder = decoders[chunk.side]
        if decoder is None:
            continue
        for frames in decode(decoder, chunk.data):
            if not isinstance(frames, FramingError):
                yield from ((chunk.side, each) for each in frames)


def bytes_before(framings: Sequence[Framing | None], frames: Sequence[tuple[Side, bytes]]) -> Before:
    """
    Return the bytes of a frame on the wire before those that its framing delivers, of both sides.

    They are 0 for a framing that does not deliver the bytes as they pass, such as one that escapes some.
    """
    found = [0, 0]
    for side, framing in enumerate(framings):
        if framing is None:
            continue
        shown = [frame for number, frame in frames if number == side and frame][:_FEW_FRAMES]
        places: set[int] | None = None
        for frame in shown:
            try:
                wire = framing.encode(frame)
            except TcpcommError:
                continue
            room = range(len(wire) - len(frame) + 1)
            here = {at for at in room if wire[at : at + len(frame)] == frame}
            places = here if places is None else places & here
        found[side] = min(places or {0})
    return found[0], found[1]


def _are_binary(frames: list[tuple[Side, bytes]]) -> bool:
    size = sum(len(each) for _, each in frames)
    return sum(byte not in _TEXT for _, each in frames for byte in each) > _BINARY * size
