"""Captures for tests, made by the framings of the notation: :func:`talk`, :func:`delivered`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from tcpcomm.framing import parse_framing
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side

Said = list[tuple[Side, bytes]]
"""Messages as they are on the wire, each with its sender."""


def talk(notation: str, frames: Iterable[bytes], answer: str = "") -> Said:
    """Return these frames on the wire, by turns from both sides, in one framing or in two."""
    framings = parse_framing(notation), parse_framing(answer or notation)
    sides: tuple[Side, Side] = (OPENER, ANSWERER)
    return [(sides[number % 2], framings[number % 2].encode(frame)) for number, frame in enumerate(frames)]


def turn_by_turn(said: Said, *, times: bool = True) -> Capture:
    """Return a capture in which each message has its own chunk."""
    chunks = [
        CapturedChunk(side, data, number * 0.05 if times else None)
        for number, (side, data) in enumerate(said)
    ]
    return Capture(tuple(chunks), from_start=True)


def in_pieces(said: Said, seed: int) -> Capture:
    """Return a capture in which each message comes in up to four pieces, with pauses."""
    random, now, chunks = Random(seed), 0.0, []
    for side, data in said:
        now += random.uniform(0.01, 0.1)
        places = sorted(
            {random.randrange(1, len(data)) for _ in range(random.randrange(4))} if len(data) > 1 else ()
        )
        for begin, end in zip([0, *places], [*places, len(data)], strict=True):
            chunks.append(CapturedChunk(side, data[begin:end], now))
            now += random.uniform(0.0, 0.01)
    return Capture(tuple(chunks), from_start=True)


def texts(count: int, seed: int = 1) -> list[bytes]:
    """Return frames of text, as a device that measures sends them."""
    random = Random(f"texts {seed}")
    words = ("READ", "STATUS", "SET", "OK", "ERR")
    return [
        f"{random.choice(words)},{random.randrange(1000)},{random.uniform(-99, 99):.2f}".encode()
        for _ in range(count)
    ]


def records(count: int, seed: int = 1, head: bytes = b"\x01\x05") -> list[bytes]:
    """Return frames of bytes: a constant head, a counter, a code and values."""
    random = Random(f"records {seed}")
    return [
        head
        + bytes([number & 0xFF, random.choice((1, 2, 3, 0x83))])
        + random.randbytes(random.randrange(2, 20))
        for number in range(count)
    ]


def blocks(count: int, seed: int = 1, size: int = 9) -> list[bytes]:
    """Return frames of one size, that begin alike."""
    random = Random(f"blocks {seed}")
    return [b"\xaa\x55" + random.randbytes(size - 2) for _ in range(count)]


def one_side(chunks: Sequence[CapturedChunk], side: Side) -> Capture:
    """Return what one side said."""
    return Capture(tuple(each for each in chunks if each.side == side), from_start=True)
