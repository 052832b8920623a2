"""Conversations message by message: :class:`Message`, :class:`Device` and :class:`Family`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

from attrs import field, frozen

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side

__all__ = ["BOTH", "NEITHER", "Device", "Exchange", "Family", "Message", "dialogue", "each_way"]

NEITHER: Final = (False, False)
BOTH: Final = (True, True)


@frozen
class Message:
    """
    One message as it is on the wire.

    Attributes:
        side: its sender.
        data: its bytes, with all that frames them.
    """

    side: Side
    data: bytes


Exchange = list[Message]
"""A request, and what the device sends because of it. Events stand in it too."""


@frozen
class Device:
    """
    One device, which always speaks in the same way.

    Attributes:
        exchanges: make the exchanges of one connection, endlessly, from a source of random values.
        checked: True for each side whose messages carry a checksum.
        framings: the framing of each side for people, if it is written down. No judgement rests on it.
    """

    exchanges: Callable[[Random], Iterator[Exchange]]
    checked: tuple[bool, bool] = NEITHER
    framings: tuple[str, str] = ("", "")

    def talk(self, seed: object, count: int) -> list[Exchange]:
        """Return the first exchanges of one connection."""
        made = self.exchanges(Random(f"talk {seed}"))
        return [next(made) for _ in range(count)]


@frozen
class Family:
    """
    Devices of one kind.

    Attributes:
        name: a stable name.
        group: the row of the page that it belongs to.
        make: returns one of the devices, drawn from a source of random values.
        cuts: False if no notation cuts its streams: nothing may be claimed of them.
    """

    name: str
    group: str
    make: Callable[[Random], Device]
    cuts: bool = field(default=True, kw_only=True)

    def device(self, seed: object) -> Device:
        """Return the device of a seed."""
        return self.make(Random(f"device {self.name} {seed}"))


Wrap = Callable[[bytes], bytes]
Content = Callable[[Random], Iterator[tuple[bytes | None, Sequence[bytes]]]]
"""Endless requests, each with its answers. None stands for a request if the device speaks unasked."""


def each_way(ask: Wrap, answer: Wrap | None = None) -> Callable[[Side, bytes], bytes]:
    """Return a function that frames what a side sends."""
    return lambda side, body: ask(body) if side == OPENER or answer is None else answer(body)


def dialogue(
    content: Content,
    wrap: Callable[[Side, bytes], bytes],
    checked: tuple[bool, bool] = NEITHER,
    framings: tuple[str, str] = ("", ""),
) -> Device:
    """Return a device that says this content in these frames."""

    def exchanges(random: Random) -> Iterator[Exchange]:
        for asked, answers in content(random):
            opened = [] if asked is None else [Message(OPENER, wrap(OPENER, asked))]
            yield [*opened, *(Message(ANSWERER, wrap(ANSWERER, each)) for each in answers)]

    return Device(exchanges, checked, framings)
