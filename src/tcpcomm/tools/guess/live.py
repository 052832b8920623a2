"""Guesses while bytes come: :class:`LiveGuess` asks again when enough new chunks have passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.tools.guess.answer import Guess
from tcpcomm.tools.guess.capture import Capture

EACH_CHUNKS: Final = 10
"""Chunks between two guesses while bytes come. Then the next guess begins."""

REST: Final = 9.0
"""Times the duration of a guess, at least, until the next one begins. The traffic needs the time, too."""

GuessFraming = Callable[[Capture], Guess]
"""The function that guesses, such as :func:`~tcpcomm.tools.guess.search.guess_framing`."""


class LiveGuess:
    """
    The guess about bytes that still come. It is made in a thread of the reactor, one at a time.

    Args:
        reactor: the reactor.
        guess: the function that guesses.
        capture: returns what there is now, or None if there is nothing.
        count: returns the number of chunks so far.
        changed: is called in the reactor's thread with each new guess.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        reactor: Any,
        guess: GuessFraming,
        *,
        capture: Callable[[], Capture | None],
        count: Callable[[], int],
        changed: Callable[[Guess], object] = lambda guess: None,
    ) -> None:
        self._reactor = reactor
        self._guess = guess
        self._capture = capture
        self._count = count
        self._changed = changed
        self._is_running = False
        self._next_at = float("-inf")
        self.latest: Guess | None = None
        """The last guess, or None before the first."""
        self.guessed = 0
        """The number of chunks that the last guess knew."""

    @property
    def is_running(self) -> bool:
        """True while a thread guesses."""
        return self._is_running

    def look(self, each: int | None = None) -> None:
        """Begin a guess if so many chunks have come since the last one, and none is under way."""
        new = self._count() - self.guessed
        is_due = new >= (EACH_CHUNKS if each is None else each) and self._reactor.seconds() >= self._next_at
        if is_due and not self._is_running:
            self._begin()

    def _begin(self) -> None:
        capture = self._capture()
        if capture is None:
            return
        self.guessed, began = self._count(), self._reactor.seconds()
        self._is_running = True

        def done(_: object) -> None:
            self._is_running = False
            ended = self._reactor.seconds()
            self._next_at = ended + REST * (ended - began)

        pool = self._reactor.getThreadPool()
        made = deferToThreadPool(self._reactor, pool, self._guess, capture)
        made.addCallback(self._found).addErrback(self._failed).addBoth(done)

    def _found(self, guess: Guess) -> None:
        self.latest = guess
        self._changed(guess)

    def _failed(self, failure: Failure) -> None:
        self.log.failure("the guess failed", failure)
