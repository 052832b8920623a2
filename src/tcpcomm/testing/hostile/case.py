"""The form of a case: its number, its name, what it sends, and what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from attrs import frozen

from tcpcomm.testing.hostile.target import Target
from tcpcomm.testing.hostile.verdict import KINDS

SERVED_OR_CLOSED: Final = "the request that follows is answered once, or the connection is closed"
CLOSED: Final = "the connection is closed, and nothing is answered"
OTHERS_SERVED: Final = "all other peers are served within a second"


@frozen
class Case:
    """
    One hostile peer.

    Attributes:
        number: stays the same for ever.
        kinds: the kinds of servers for which the case makes sense.
        sends: the bytes, in words.
        right: the accepted outcomes.
        waits: True if the case mostly waits, so that it can run beside others.
        last: True if the case judges the whole run.
        sentence: the docstring of the function.
        run: plays the peer. It returns what was seen if several outcomes are right, else None.
    """

    number: int
    name: str
    kinds: tuple[str, ...]
    sends: str
    right: str
    waits: bool
    last: bool
    sentence: str
    run: Callable[[Target], str | None]


_CASES: dict[int, Case] = {}

Play = Callable[[Target], str | None]


def case(
    number: int,
    name: str,
    *,
    kinds: Iterable[str] = KINDS,
    sends: str,
    right: str = SERVED_OR_CLOSED,
    waits: bool = False,
    last: bool = False,
) -> Callable[[Play], Play]:
    """Make a case of a function, whose docstring says in one sentence what the peer does."""

    def register(play: Play) -> Play:
        if number in _CASES:
            raise ValueError(f"case {number} exists twice: {_CASES[number].name!r} and {name!r}")
        sentence = " ".join((play.__doc__ or "").split())
        _CASES[number] = Case(number, name, tuple(kinds), sends, right, waits, last, sentence, play)
        return play

    return register


def registered() -> list[Case]:
    """Return the cases that were imported so far, by number."""
    return [_CASES[number] for number in sorted(_CASES)]
