"""The answers to "What is this?": the guessed framing of a source without a declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import define

from tcpcomm.framing.unframed import Unframed
from tcpcomm.session.observer import Observers
from tcpcomm.tools.guess.answer import Explanation, Guess, Notations, Verdict
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.collector import COLLECTED_BYTES, ChunkCollector
from tcpcomm.tools.guess.live import GuessFraming, LiveGuess
from tcpcomm.tools.guess.wording import framing_options, sides
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.rows import Row
from tcpcomm.tools.monitor.sources import LINK, TAP, Source

MOST_GUESSES: Final = 8
"""Links, servers and taps whose framing is guessed at once. A further guess is refused with a message."""

ASKED_WITHIN: Final = 30.0
"""Seconds for which no page asks for a guess. Then it ends, and its chunks are forgotten."""

_LISTEN: Final = "9998"
_SEEDS: Final = 4000  # rows
_OTHERS: Final = 3


def _guess(capture: Capture) -> Guess:
    from tcpcomm.tools.guess.search import guess_framing  # noqa: PLC0415 - few programs need it

    return guess_framing(capture)


@define(eq=False)
class _Question:
    """A source that a page asks about."""

    source: Source
    collector: ChunkCollector
    live: LiveGuess
    detach: Callable[[], None]
    timer: Any


class Guessing:
    """
    Guesses the framing of sources. It watches a source only as long as a page asks about it.

    Args:
        model: what there is to see.
        reactor: the reactor; its threads guess.
        guess: the function that guesses.
    """

    def __init__(self, model: MonitorModel, reactor: Any, guess: GuessFraming = _guess) -> None:
        self._model = model
        self._reactor = reactor
        self._guess = guess
        self._questions: dict[str, _Question] = {}

    @property
    def watched(self) -> tuple[str, ...]:
        """The ids of the sources that are watched, because pages ask about them."""
        return tuple(self._questions)

    def can(self, source: Source) -> bool:
        """Return True if a page may ask what a source is: it is a tap, or its language is not declared."""
        return _observers_of(source) is not None and (source.kind == TAP or source.declaration is None)

    def answer(self, id: str) -> dict[str, Any]:
        """
        Return the guess about a source, in types that JSON has. Watch the source from now on.

        Raises:
            Denied: the source does not exist, is declared, or too many are asked about.
        """
        source = self._model.source(id)
        if source is None:
            raise Denied(404, "this link or server is not shown any more")
        if not self.can(source):
            raise Denied(409, "this is declared, so there is nothing to guess")
        question = self._questions.get(id) or self._begin(id, source)
        question.timer.reset(ASKED_WITHIN)
        if question.collector.has_secrets:
            return {"state": "secret"}
        live = question.live
        live.look(1 if live.latest is None else None)
        if live.latest is None:
            return {
                "state": "guessing" if live.is_running else "waiting",
                "chunks": question.collector.chunks,
            }
        return {
            "state": "known",
            "chunks": live.guessed,
            "guess": _facts(live.latest),
            "command": self._command(source, live.latest),
        }

    def _begin(self, id: str, source: Source) -> _Question:
        if len(self._questions) >= MOST_GUESSES:
            raise Denied(503, f"{MOST_GUESSES} sources are being guessed, which is the limit: close one")
        collector = ChunkCollector(self._seconds, sender_opens=_sender_opens(source))
        self._add_rows(source, collector)
        observers = _observers_of(source)
        assert observers is not None
        live = LiveGuess(
            self._reactor, self._guess, capture=collector.capture, count=lambda: collector.chunks
        )
        timer = self._reactor.callLater(ASKED_WITHIN, self._end, id)
        question = _Question(source, collector, live, observers.add(collector), timer)
        self._questions[id] = question
        return question

    def _end(self, id: str) -> None:
        self._questions.pop(id).detach()

    def stop(self) -> None:
        """End all guesses."""
        for id, question in [*self._questions.items()]:
            question.timer.cancel()
            self._end(id)

    def _seconds(self) -> float:
        return self._model.now()[1]

    def _add_rows(self, source: Source, collector: ChunkCollector) -> None:
        """Give the collector the kept rows of sessions without a framing: each row is a chunk."""
        rows: list[Row] = []
        size = 0
        for row in reversed(source.history):
            if row.kind == "frame" and row.sent is not None and row.size == len(row.frame):
                rows.append(row)
                size += row.size
            if len(rows) == _SEEDS or size > COLLECTED_BYTES:
                break
        for row in reversed(rows):
            watched = self._model.any_session(row.session)
            if watched is not None and _is_raw(watched.session):
                collector.add(watched.session, row.frame, sent=bool(row.sent), at=row.time)

    def _command(self, source: Source, guess: Guess) -> str:
        """Return the command of a tap that shows the source with the framing that was found."""
        if guess.best is None or guess.verdict is Verdict.NOTHING:
            return ""
        asked, answered = _host_first(source, guess.best.framings)
        target = str(getattr(source.subject, "target_name", ""))
        address = source.addresses[0] if source.addresses else "TARGET"
        place = target or (address if address.startswith("tcp") else f"tcp:{address}")
        more = " --equipment-connects" if not getattr(source.subject, "host_connects", True) else ""
        return f"tcpcomm tap {_LISTEN} {place}{more} {framing_options(asked, answered)}"


def _observers_of(source: Source) -> Observers | None:
    """Return the observers of the sessions of a source, or None if it has none that can be added to."""
    engine = getattr(source.subject, "engine", None)
    found = getattr(source.subject, "observers", None) or getattr(engine, "observers", None)
    return found if isinstance(found, Observers) else None


def _sender_opens(source: Source) -> bool:
    """Return True if the sender of the bytes that are reported as sent opens the connections."""
    if source.kind == TAP:
        return not getattr(source.subject, "host_connects", True)
    return source.kind == LINK


def _host_first(source: Source, framings: Notations) -> Notations:
    """Return the framings of the host and of the equipment."""
    return sides(framings, host_opens=_sender_opens(source) != source.is_equipment)


def _is_raw(session: Any) -> bool:
    """Return True if each chunk of a session is a frame."""
    speech = getattr(session, "speech", None)
    if speech is not None:
        return bool(speech.is_raw)
    framing = getattr(session, "framing", None)
    return framing is None or (isinstance(framing, Unframed) and not framing.join)


def _facts(guess: Guess) -> dict[str, Any]:
    best = guess.best
    return {
        "verdict": guess.verdict.value,
        "framings": [] if best is None else _notations(best),
        "evidence": [] if best is None else list(best.evidence),
        "doubts": list(guess.doubts),
        "notes": list(guess.notes),
        "unexplained": list(guess.unexplained),
        "facts": list(guess.facts),
        "others": [
            {"framings": _notations(each), "behind": round(each.behind)} for each in guess.others[:_OTHERS]
        ],
    }


def _notations(explanation: Explanation) -> list[str]:
    """Return the different framings of both sides. The opener comes first."""
    return [each for each in dict.fromkeys(explanation.framings) if each is not None]
