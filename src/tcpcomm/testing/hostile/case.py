"""The form of a case: its number, its name, what it sends, what is right, and its verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn

from attrs import frozen

from tcpcomm.errors import TcpcommError

if TYPE_CHECKING:
    from tcpcomm.testing.hostile.target import Target

VERSION: Final = "1.0"
"""The version of the suite. A number keeps its meaning; a new case gets a new number and a new version."""

ECHO: Final = "echo"
LINES: Final = "lines"
LENGTH: Final = "length"
JSON: Final = "json"
JSON_RPC: Final = "json-rpc"
BINARY: Final = "binary"
PSK: Final = "psk"
TLS: Final = "tls"
KINDS: Final = (ECHO, LINES, LENGTH, JSON, JSON_RPC, BINARY, PSK, TLS)
"""The kinds of servers that the suite knows."""

LINE_BASED: Final = (ECHO, LINES, JSON, JSON_RPC)
LENGTH_BASED: Final = (LENGTH, BINARY)
PLAIN: Final = (*LINE_BASED, *LENGTH_BASED)

SERVED_OR_CLOSED: Final = "the request that follows is answered once, or the connection is closed"
CLOSED: Final = "the connection is closed, and nothing is answered"
OTHERS_SERVED: Final = "all other peers are served within a second"


class Verdict(Enum):
    """The result of a case."""

    OK = "ok"
    INFORMATIONAL = "told"
    """Several behaviours are right. The text says which one was seen."""
    NOT_RUN = "not run"
    WRONG = "wrong"


class Wrong(TcpcommError):
    """The target did something that is never right, or did not do what it must."""


class NotRun(TcpcommError):
    """The case needs something that was not given, such as the target's process number."""


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

Play = Callable[["Target"], "str | None"]


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


def wrong(text: str) -> NoReturn:
    """End the case: the target is wrong."""
    raise Wrong(text)
