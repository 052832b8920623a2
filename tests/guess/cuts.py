"""
The ways in which TCP and a recorder deliver a conversation: each makes a :class:`Capture` of exchanges.

A way never changes the bytes of a side, except those that say so: a capture that begins late, a gap, and a
capture of one side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from random import Random
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side
from tests.guess.talk import Exchange, Message

__all__ = ["CUTS", "Cut"]

_SEGMENT: Final = 1460
_READ: Final = 65536


@frozen
class Cut:
    """
    One way to deliver exchanges.

    Attributes:
        name: a stable name.
        deliver: makes the chunks.
        exchanges: the exchanges in one capture.
        from_start: True if the capture is known to begin with the connection.
    """

    name: str
    deliver: Callable[[Sequence[Exchange], Random], list[CapturedChunk]]
    exchanges: int = 10
    from_start: bool = True
    skips: int = 0
    """The exchanges at the beginning that may be missing in the capture."""

    def capture(self, exchanges: Sequence[Exchange], seed: object) -> Capture:
        """Return the capture of these exchanges."""
        chunks = self.deliver(exchanges, Random(f"cut {self.name} {seed}"))
        return Capture(tuple(chunks), from_start=self.from_start)


class _Clock:
    """The time of a recorder."""

    def __init__(self, random: Random) -> None:
        self.now = random.uniform(0, 1000)
        self._random = random

    def think(self) -> None:
        """Let a host think between two exchanges."""
        self.now += self._random.uniform(0.01, 0.4)

    def answer(self) -> None:
        """Let a device work on its answer."""
        self.now += self._random.choice(
            (self._random.uniform(0.0003, 0.004), self._random.uniform(0.004, 0.05))
        )

    def travel(self) -> None:
        """Let a segment follow another one at once."""
        self.now += self._random.uniform(0.00001, 0.0004)


def _turns(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
    """Deliver each message in a chunk of its own, and each exchange after the one before."""
    clock, chunks = _Clock(random), []
    for exchange in exchanges:
        clock.think()
        for message in exchange:
            clock.answer()
            chunks.append(CapturedChunk(message.side, message.data, clock.now))
    return chunks


def _pipelined(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
    """Let several requests go before their answers come. Each message still has its own chunk."""
    clock, chunks = _Clock(random), []
    for group in _groups(exchanges, random, 2, 5):
        clock.think()
        for _, messages in _by_side(group):
            clock.answer()
            for message in messages:
                clock.travel()
                chunks.append(CapturedChunk(message.side, message.data, clock.now))
    return chunks


def _merged(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
    """Let several requests go in one chunk, and their answers come in one or two."""
    clock, chunks = _Clock(random), []
    for group in _groups(exchanges, random, 2, 4):
        clock.think()
        for side, messages in _by_side(group):
            clock.answer()
            at = random.randrange(len(messages)) if random.random() < 0.3 else 0
            for part in (messages[:at], messages[at:]):
                if part:
                    clock.travel()
                    chunks.append(CapturedChunk(side, _joined(part), clock.now))
    return chunks


def _pieces(longest: float) -> Callable[[Sequence[Exchange], Random], list[CapturedChunk]]:
    """Return a way that cuts messages in pieces, with pauses of up to so many seconds."""

    def deliver(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
        clock, chunks = _Clock(random), []
        for exchange in exchanges:
            clock.think()
            for message in exchange:
                clock.answer()
                for piece in _torn(message.data, random):
                    chunks.append(CapturedChunk(message.side, piece, clock.now))
                    clock.now += random.uniform(0.0, longest)
        return chunks

    return deliver


def _bulk(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
    """Stream both sides: many messages follow each other, and a read takes what has come so far."""
    clock, chunks = _Clock(random), []
    for group in _groups(exchanges, random, 8, 20):
        clock.think()
        for side, messages in _by_side(group):
            clock.answer()
            data = _joined(messages)
            while data:
                size = random.choice((_SEGMENT, _SEGMENT, 2 * _SEGMENT, 4096, _READ))
                chunks.append(CapturedChunk(side, data[:size], clock.now))
                clock.travel()
                data = data[size:]
    return chunks


def _begun_late(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
    """Begin the capture in the middle of a message."""
    chunks = _turns(exchanges, random)
    first = random.randrange(min(3, len(chunks)))
    data = chunks[first].data
    return [evolve(chunks[first], data=data[random.randrange(len(data)) :]), *chunks[first + 1 :]]


def _gap(known: bool) -> Callable[[Sequence[Exchange], Random], list[CapturedChunk]]:
    """Return a way that loses some bytes in the middle: a chunk, or a part of it."""

    def deliver(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
        chunks = _turns(exchanges, random)
        lost = random.randrange(len(chunks) // 4, 3 * len(chunks) // 4)
        gone = chunks[lost]
        kept = random.choice((0, 0, random.randrange(len(gone.data))))
        rest = chunks[lost + 1 :]
        after = next((at for at, each in enumerate(rest) if each.side == gone.side), None)
        if known and after is not None:
            rest[after] = evolve(rest[after], after_gap=True)
        return [*chunks[:lost], evolve(gone, data=gone.data[:kept]), *rest]

    return deliver


def _one_side(exchanges: Sequence[Exchange], random: Random) -> list[CapturedChunk]:
    """Capture the side that says more, or sometimes the other one if that says something."""
    chunks = _turns(exchanges, random)
    sizes = {side: sum(each.side == side for each in chunks) for side in (OPENER, ANSWERER)}
    side = random.choice([each for each in sizes if 2 * sizes[each] >= max(sizes.values())])
    return [each for each in chunks if each.side == side]


def _timeless(
    deliver: Callable[[Sequence[Exchange], Random], list[CapturedChunk]],
) -> Callable[[Sequence[Exchange], Random], list[CapturedChunk]]:
    """Return the way without its times."""
    return lambda exchanges, random: [evolve(each, at=None) for each in deliver(exchanges, random)]


def _groups(
    exchanges: Sequence[Exchange], random: Random, least: int, most: int
) -> Iterable[list[Message]]:
    at = 0
    while at < len(exchanges):
        size = random.randint(least, most)
        yield [message for exchange in exchanges[at : at + size] for message in exchange]
        at += size


def _by_side(messages: list[Message]) -> list[tuple[Side, list[Message]]]:
    """Return the messages of each side of a group: the requests first."""
    ordered = sorted(messages, key=lambda each: each.side)
    return [(side, [*several]) for side, several in groupby(ordered, key=lambda each: each.side)]


def _joined(messages: Iterable[Message]) -> bytes:
    return b"".join(each.data for each in messages)


def _torn(data: bytes, random: Random) -> list[bytes]:
    places = (
        sorted({random.randrange(1, len(data)) for _ in range(random.randrange(4))})
        if len(data) > 1
        else []
    )
    return [data[begin:end] for begin, end in pairwise([0, *places, len(data)])]


CUTS: Final = (
    Cut("turn by turn", _turns),
    Cut("turn by turn, no times", _timeless(_turns)),
    Cut("pipelined", _pipelined),
    Cut("pipelined, no times", _timeless(_pipelined)),
    Cut("merged chunks", _merged),
    Cut("pieces with pauses", _pieces(0.02)),
    Cut("pieces, no times", _timeless(_pieces(0.02))),
    Cut("bulk", _bulk, exchanges=40),
    Cut("begun in a message", _begun_late, from_start=False, skips=3),
    Cut("known gap", _gap(True)),
    Cut("unknown gap", _gap(False)),
    Cut("one side", _one_side),
)
"""The ways, in the order of the page."""
