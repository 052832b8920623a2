"""Facts about the messages of a binary link, added to a guess: :func:`with_facts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from tcpcomm.errors import FramingError
from tcpcomm.framing import Decoder, decode, parse_framing
from tcpcomm.tools.guess.answer import Guess, Notations, Verdict
from tcpcomm.tools.guess.binary.draft import draft_header
from tcpcomm.tools.guess.binary.facts import find_facts
from tcpcomm.tools.guess.capture import Capture, CapturedChunk, Side

_MOST_FRAMES: Final = 2000
"""Frames that are looked at. More of them prove nothing more."""

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
    found = find_facts(frames)
    facts = [each.text for each in found.facts]
    header = draft_header(frames)
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


def _are_binary(frames: list[tuple[Side, bytes]]) -> bool:
    size = sum(len(each) for _, each in frames)
    return sum(byte not in _TEXT for _, each in frames for byte in each) > _BINARY * size
