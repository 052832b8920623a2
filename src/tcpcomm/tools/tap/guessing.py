"""The guess of a tap at the framing of what passes, while it runs and at its end: :class:`TapGuess`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.collector import ChunkCollector
from tcpcomm.tools.guess.live import GuessFraming, LiveGuess
from tcpcomm.tools.guess.report import report_lines
from tcpcomm.tools.guess.search import guess_framing
from tcpcomm.tools.guess.wording import framing_options, sides, summary


class TapGuess(ChunkCollector):
    """
    Shows a line when the guess about a tap changes.

    Args:
        reactor: the reactor; its threads guess.
        tell: shows a line for people.
        command: the command line of the tap without its framing, such as
            ``tcpcomm tap 9998 tcp:10.0.0.5:9999``.
        host_connects: True if the host opens the connections.
        guess: the function that guesses.
    """

    def __init__(
        self,
        reactor: Any,
        tell: Callable[[str], object],
        command: str,
        *,
        host_connects: bool = True,
        guess: GuessFraming = guess_framing,
    ) -> None:
        super().__init__(reactor.seconds, sender_opens=not host_connects)
        self._tell = tell
        self._command = command
        self._host_connects = host_connects
        self._guess = guess
        self._told = ""
        self._live = LiveGuess(
            reactor, guess, capture=self.capture, count=lambda: self.chunks, changed=self._changed
        )

    def received(self, session: Any, data: bytes) -> None:
        super().received(session, data)
        self._live.look()

    def sent(self, session: Any, data: bytes) -> None:
        super().sent(session, data)
        self._live.look()

    def _changed(self, guess: Guess) -> None:
        line = summary(guess)
        if line != self._told:
            self._told = line
            self._tell(f"guess after {self._live.guessed} chunks: {line}")

    def last_words(self) -> list[str]:
        """Return the lines about all that has passed. They end with the next command to type."""
        capture, guess = self.capture(), self._live.latest
        if capture is None:
            return ["nothing has passed, so there is nothing to guess"]
        if guess is None or self._live.guessed != self.chunks:
            guess = self._guess(capture)
        return [*report_lines(guess), f"next: {self._next(guess)}"]

    def _next(self, guess: Guess) -> str:
        if guess.verdict is Verdict.NOTHING or guess.best is None:
            return f"{self._command} --guess, and let more messages pass"
        asked, answered = sides(guess.best.framings, host_opens=self._host_connects)
        return f"{self._command} {framing_options(asked, answered)}"
