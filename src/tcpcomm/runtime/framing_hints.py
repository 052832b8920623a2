"""
Hints in the log after framing faults, about the framing of the peer: :func:`hint_at_fault`.

Before the first fault nothing is kept, and nothing is computed. Then the last bytes of each peer with
faults are kept, and a thread of the reactor looks for a framing that explains them. The code that finds it
stands above this package. Therefore it is named by a text, and imported in that thread.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, Final, cast
from weakref import WeakKeyDictionary

from attrs import define, field
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from tcpcomm.errors import BadChecksum, BadLength, FrameTooLong, FramingError, TcpcommError
from tcpcomm.framing.base import Decoder, Framing
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import clock_of

HINT_INTERVAL: Final = 60.0
"""Seconds between two hints of a process about framings. Hints between are left out."""

HINT_BYTES: Final = 4096
"""Bytes of one peer that a hint is made of. Only the last ones count."""

HINTED_PEERS: Final = 16
"""Peers with faults whose last bytes are kept for hints. The bytes of others are forgotten."""

Chunk = tuple[float, bytes]
"""Received bytes, with the time in seconds."""

Explain = Callable[[tuple[Chunk, ...], Framing], str]
"""Returns words about a framing that explains the bytes, unless it is the given one; else an empty text."""

_EXPLAIN: Final = ("tcpcomm.tools.guess.hint", "hint")
_LEAST_PAUSE: Final = 5.0
_SHARE: Final = 50
"""After a search without a hint, the next one waits so many times as long as it took."""


@define(eq=False)
class _Kept:
    """The last chunks of one peer, and how many bytes they are."""

    chunks: deque[Chunk] = field(factory=deque)
    size: int = 0

    def add(self, chunk: Chunk) -> None:
        """Add a chunk, if it is not the last one again, and drop the oldest ones beyond the limit."""
        if self.chunks and self.chunks[-1] == chunk:
            return  # one chunk may have several faults
        self.chunks.append(chunk)
        self.size += len(chunk[1])
        while self.size > HINT_BYTES:
            self.size -= len(self.chunks.popleft()[1])


class FramingHints:
    """
    The hints of all sessions in one reactor.

    Args:
        explain: finds the words, in a thread.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(self, explain: Explain | None = None) -> None:
        self._explain = explain or _explain
        self._peers: OrderedDict[tuple[str | None, str], _Kept] = OrderedDict()
        self._is_searching = False
        self._next_at = float("-inf")

    def take(self, reactor: Any, peer: str, host: str | None, framing: Framing, data: bytes) -> None:
        """
        Take bytes that the declared framing could not cut. Look for a better framing, if it is time.

        Args:
            reactor: the reactor. Without threads, as in a test's clock, nothing is done.
            peer: the name of the peer in logs.
            host: its address. The bytes of its earlier sessions count, too.
            framing: the declared framing.
            data: the last bytes that the peer sent.
        """
        if not data or not hasattr(reactor, "getThreadPool"):
            return
        now = reactor.seconds()
        kept = self._kept(host, framing)
        kept.add((now, data))
        if self._is_searching or now < self._next_at:
            return
        self._is_searching = True

        def found(words: str | Failure) -> None:
            self._is_searching = False
            ended = reactor.seconds()
            pause = HINT_INTERVAL
            if isinstance(words, Failure):
                self.log.failure("the search for the framing of {peer} failed", words, peer=peer)
            elif words:
                self.log.warn("{peer}: {words}", peer=peer, words=words)
            else:
                pause = min(pause, max(_LEAST_PAUSE, _SHARE * (ended - now)))
            self._next_at = ended + pause

        pool = reactor.getThreadPool()
        deferToThreadPool(reactor, pool, self._explain, tuple(kept.chunks), framing).addBoth(found)

    def kept(self) -> dict[tuple[str | None, str], int]:
        """Return the number of bytes that are kept of each peer, by its address and its framing."""
        return {key: kept.size for key, kept in self._peers.items()}

    def _kept(self, host: str | None, framing: Framing) -> _Kept:
        """Return the kept bytes of a peer. Forget another peer if there are too many."""
        key = host, repr(framing)  # a framing of a user need not be hashable
        kept = self._peers.pop(key, None) or _Kept()
        self._peers[key] = kept
        if len(self._peers) > HINTED_PEERS:
            self._peers.popitem(last=False)
        return kept


def hint_at_fault(session: Any, fault: FramingError) -> None:
    """Take note of a fault of a session, for a hint."""
    if isinstance(fault, FrameTooLong | BadLength | BadChecksum):
        _take(session, fault.received)


def hint_at_half_frame(session: Any, decoder: Decoder) -> None:
    """Take note of a session that ends because a frame has not ended in time, for a hint."""
    if not session.framing_hints:
        return
    try:
        data = decoder.trailing
    except TcpcommError:  # a part of the bytes is decoded already
        return
    _take(session, data[-HINT_BYTES:])


def _take(session: Any, data: bytes) -> None:
    if session.framing_hints and not _has_secret(session):
        clock = clock_of(session.factory)
        hints_of(clock).take(clock, session.peer, session.host, session.framing, data)


def _has_secret(session: Any) -> bool:
    """Return True if received bytes of the session may be secret, such as those of a login before."""
    if session.keeps_secret:
        return True
    declaration = session.declaration
    return "keeps_secret" in vars(session) if declaration is None else bool(declaration.login)


_hints: Final[WeakKeyDictionary[Any, FramingHints]] = WeakKeyDictionary()


def hints_of(clock: Any) -> FramingHints:
    """Return the hints of a reactor, which all sessions in it share."""
    hints = _hints.get(clock)
    if hints is None:
        hints = _hints[clock] = FramingHints()
    return hints


def _explain(chunks: tuple[Chunk, ...], framing: Framing) -> str:
    module, name = _EXPLAIN
    return cast("Explain", getattr(import_module(module), name))(chunks, framing)
