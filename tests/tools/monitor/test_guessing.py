"""A page asks what a source is, and the monitor guesses its framing as long as it asks."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tcpcomm import FrameProtocol
from tcpcomm.framing import Delimited, Framing, Unframed
from tcpcomm.session.observer import Observers
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture
from tcpcomm.tools.guess.live import EACH_CHUNKS
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.guessing import ASKED_WITHIN, MOST_GUESSES, Guessing
from tcpcomm.tools.monitor.service import Monitor
from tests.session.stage import Spy, Stage
from tests.threads import ClockWithThreads

GUESS: Final = Guess(
    verdict=Verdict.LIKELY,
    best=Explanation(framings=(r"delimited:\r", "length:2"), evidence=("12 of 12 messages agree",)),
    others=(Explanation(framings=("lines", "lines"), behind=12.6),),
    doubts=("few messages",),
    unexplained=("bytes 2 to 15",),
    facts=("byte 1 counts",),
    notes=("a part was left out",),
)


class Raw(Spy):
    framing: Framing = Unframed()


class TapLike:
    """The part of a tap that a page asks about."""

    name = "tap"
    target_name = "tcp:10.0.0.9:8501"
    host_connects = True
    known_disturbances = ()

    def __init__(self, observers: Observers) -> None:
        self.observers = observers

    def disturb(self, text: str) -> str:
        return text

    def list(self) -> list[Any]:
        return []


class Stand:
    """A monitor whose guesses are made when a test says so."""

    def __init__(self) -> None:
        self.clock = ClockWithThreads()
        self.monitor = Monitor(0, reactor=self.clock)
        self.guess = GUESS
        self.captures: list[Capture] = []
        self.guessing = self.monitor.api.guessing = Guessing(self.monitor, self.clock, self._guess)

    def _guess(self, capture: Capture) -> Guess:
        self.captures.append(capture)
        return self.guess

    def ask(self, source: str = "1") -> Any:
        """Ask, let the threads work, and ask again."""
        self.monitor.api.get("guess", {"source": source})
        self.clock.threads.work()
        return self.monitor.api.get("guess", {"source": source})

    def tap(self, speech: Speech | None = None) -> Dissector:
        """Return a connection through a tap that listens."""
        observers = Observers([self.monitor])
        assert observers.listening is not None
        observers.listening(TapLike(observers), "127.0.0.1:9998")
        session = OverheardSession(
            peer="10.0.0.7:50432", target="10.0.0.9:8501", speech=speech or Speech.raw()
        )
        dissector = Dissector(session, observers, self.clock.seconds)
        dissector.open()
        return dissector

    def session(self, protocol: Any = Raw) -> Stage:
        stage = Stage(protocol, observers=[self.monitor])
        return stage.connect()


def exchange(dissector: Dissector, count: int) -> None:
    for number in range(count):
        dissector.feed(b"R%d\r" % number, to_host=False)
        dissector.feed(b"\0\2ok", to_host=True)


def sides(capture: Capture) -> list[tuple[int, bytes]]:
    return [(each.side, each.data) for each in capture.chunks]


def test_a_page_learns_what_it_may_ask_about() -> None:
    stand = Stand()
    stand.tap()
    [shown] = stand.monitor.api.overview()["sources"]
    assert shown["unknown"]


def test_the_answer_has_all_that_the_page_shows() -> None:
    stand = Stand()
    exchange(stand.tap(), 2)
    assert {
        "state": "known",
        "chunks": 4,
        "guess": {
            "verdict": "likely",
            "framings": [r"delimited:\r", "length:2"],
            "evidence": ["12 of 12 messages agree"],
            "doubts": ["few messages"],
            "notes": ["a part was left out"],
            "unexplained": ["bytes 2 to 15"],
            "facts": ["byte 1 counts"],
            "others": [{"framings": ["lines"], "behind": 13}],
        },
        "command": r"tcpcomm tap 9998 tcp:10.0.0.9:8501 --framing 'delimited:\r' --reply-framing length:2",
    } == stand.ask()


def test_what_passed_before_the_question_counts_where_each_chunk_is_a_row() -> None:
    stand = Stand()
    dissector = stand.tap()
    exchange(dissector, 1)
    stand.ask()
    [capture] = stand.captures
    assert [(OPENER, b"R0\r"), (ANSWERER, b"\0\2ok")] == sides(capture)


def test_frames_of_a_framing_are_no_chunks() -> None:
    stand = Stand()
    dissector = stand.tap(Speech.framed(Delimited(b"\r")))
    exchange(dissector, 3)
    assert {"state": "waiting", "chunks": 0} == stand.ask()
    exchange(dissector, 1)
    assert "known" == stand.ask()["state"]
    assert [(OPENER, b"R0\r"), (ANSWERER, b"\0\2ok")] == sides(stand.captures[0])


def test_ten_more_chunks_bring_a_new_answer() -> None:
    stand = Stand()
    dissector = stand.tap()
    exchange(dissector, 1)
    stand.ask()
    exchange(dissector, EACH_CHUNKS // 2 - 1)
    stand.ask()
    assert 1 == len(stand.captures)
    exchange(dissector, 1)
    assert EACH_CHUNKS + 2 == stand.ask()["chunks"]
    assert [2, EACH_CHUNKS + 2] == [len(each.chunks) for each in stand.captures]


def test_while_a_thread_guesses_the_page_is_told_so() -> None:
    stand = Stand()
    exchange(stand.tap(), 1)
    assert {"state": "guessing", "chunks": 2} == stand.monitor.api.get("guess", {"source": "1"})


def test_without_an_explanation_there_is_no_command() -> None:
    stand = Stand()
    exchange(stand.tap(), 1)
    stand.guess = Guess(verdict=Verdict.NOTHING, doubts=("one message only",))
    answer = stand.ask()
    assert ("", "nothing", []) == (
        answer["command"],
        answer["guess"]["verdict"],
        answer["guess"]["framings"],
    )


def test_a_server_without_a_declaration_may_be_asked_about() -> None:
    stand = Stand()
    stage = stand.session()
    stage.receive(b"TRG\r")
    answer = stand.ask()
    assert "tcpcomm tap 9998 tcp:TARGET" in answer["command"]
    assert [(OPENER, b"TRG\r")] == sides(stand.captures[0])


def test_nothing_is_guessed_from_secrets() -> None:
    stand = Stand()
    dissector = stand.tap()
    dissector.session.keeps_secret = True
    dissector.feed(b"LOGIN secret\r", to_host=False)
    dissector.session.keeps_secret = False
    exchange(dissector, 3)
    assert {"state": "secret"} == stand.ask()
    assert [] == stand.captures


def test_a_secret_ends_the_answers() -> None:
    stand = Stand()
    dissector = stand.tap()
    exchange(dissector, 1)
    assert "known" == stand.ask()["state"]
    dissector.session.keeps_secret = True
    dissector.feed(b"LOGIN secret\r", to_host=False)
    assert {"state": "secret"} == stand.ask()


def test_a_source_that_no_page_asks_about_is_not_watched() -> None:
    stand = Stand()
    stage = stand.session()
    observers = stage.factory.observers
    before = observers.received
    stand.ask()
    assert before is not observers.received
    stand.clock.advance(ASKED_WITHIN - 1)
    stand.ask()
    stand.clock.advance(ASKED_WITHIN - 1)
    assert before is not observers.received
    stand.clock.advance(2)
    assert () == stand.guessing.watched


def test_too_many_questions_at_once_are_refused() -> None:
    stand = Stand()
    for _ in range(MOST_GUESSES + 1):
        stand.session()
    for number in range(1, MOST_GUESSES + 1):
        stand.ask(str(number))
    with pytest.raises(Denied, match="8 sources are being guessed, which is the limit"):
        stand.ask(str(MOST_GUESSES + 1))
    stand.clock.advance(ASKED_WITHIN)
    assert "waiting" == stand.ask(str(MOST_GUESSES + 1))["state"]


@pytest.mark.parametrize("source", ["7", ""])
def test_an_unknown_source_is_refused(source: str) -> None:
    with pytest.raises(Denied, match="is not shown any more"):
        Stand().ask(source)


def test_a_declared_source_is_refused() -> None:
    class Declared(FrameProtocol):
        declaration = type("Declaration", (), {"name": "Camera"})()

    stand = Stand()
    stand.session(Declared)
    [shown] = stand.monitor.api.overview()["sources"]
    assert not shown["unknown"]
    with pytest.raises(Denied, match="this is declared"):
        stand.ask()


def test_the_end_of_the_monitor_ends_the_questions() -> None:
    stand = Stand()
    exchange(stand.tap(), 1)
    stand.ask()
    stand.monitor.stop()
    assert [] == stand.clock.getDelayedCalls()
    assert () == stand.guessing.watched


def test_the_real_search_answers() -> None:
    stand = Stand()
    stand.monitor.api.guessing = Guessing(stand.monitor, stand.clock)
    dissector = stand.tap()
    for number in range(12):
        dissector.feed(b"TRG,%d\r" % (37 * number), to_host=False)
        dissector.feed(b"OK,%d.5,%d\r" % (11 * number, number % 4), to_host=True)
    answer = stand.ask()
    assert r"tcpcomm tap 9998 tcp:10.0.0.9:8501 --framing 'delimited:\r'" == answer["command"]
