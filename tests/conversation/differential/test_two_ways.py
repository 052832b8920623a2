"""A session that takes its chunks the generated way does what one does that takes them the general way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import pytest

from tcpcomm.conversation import answering_loop
from tcpcomm.conversation.responder import Responder
from tcpcomm.session.send_buffer import SendBuffer
from tests.conversation.differential import links, sessions
from tests.conversation.differential.acts import EFFECTS, OUTCOMES, WAITS
from tests.conversation.differential.answers import HOST_KINDS, MISTAKES
from tests.conversation.differential.kinds import KINDS
from tests.conversation.differential.links import LOGGED_BY_LINKS, THEN, link_situations, run_link
from tests.conversation.differential.recording import Run, compare, first_difference, virtual_time
from tests.conversation.differential.sessions import LOGGED, SIZES, Play, run_session, script_of, situations

SESSIONS: Final = int(os.environ.get("TCPCOMM_TWO_WAYS", "6000"))
"""The number of sessions that are run in both ways; a quarter of them at hosts."""

PARTS: Final = 8
"""The parts of each test, which can run in several processes."""

SAMPLE: Final = 500
"""The sessions that must contain every situation."""

TRIED: Final = 1500
"""The sessions among which each defect must be found. Most are found soon."""


def check(side: str, run: Run, part: int, count: int) -> None:
    """Compare the sessions of one part."""
    with virtual_time():
        for seed in range(part, count, PARTS):
            found = compare(run, seed)
            if found is not None:
                alone = f"python -m {__package__} {side} {seed}"
                pytest.fail(f"seed {seed}, alone: {alone}\n{found}", pytrace=False)


@pytest.mark.parametrize("part", range(PARTS))
def test_equipment_does_the_same_in_both_ways(part: int) -> None:
    check("server", run_session, part, SESSIONS * 3 // 4)


@pytest.mark.parametrize("part", range(PARTS))
def test_hosts_do_the_same_in_both_ways(part: int) -> None:
    check("host", run_link, part, SESSIONS // 4)


# -- the sessions are what they should be ---------------------------------------------------------------

OF_SESSIONS: Final = {
    *EFFECTS,
    *LOGGED,
    *(f"a handler waits: {wait}" for wait in WAITS),
    *(f"outcome: {outcome}" for outcome in OUTCOMES),
    *(f"kind: {kind.name}" for kind in KINDS),
    *(f"a chunk of {size}" for size in SIZES.values()),
    *(f"a handler finishes later: {how}" for how in ("", "fault", "exception")),
    *(f"between chunks: {what}" for what in ("send", "event", "event to")),
    "a chunk is cut",
    "a chunk is whole",
    "a command in a wrong state",
    "a handler is cancelled",
    "a peer does not read",
    "a plain function returns a Deferred",
    "a plain function returns a coroutine",
    "a reply of 5 KB",
    "a reply of 70 KB",
    "a session with handlers is lost",
    "an observer is attached",
    "an observer is detached",
    "as many handlers are unfinished as may be",
    "calm",
    "heartbeats of the session",
    "refused: SessionClosed",
    "several sessions",
    "wild",
}
"""The situations that the sessions of equipment must contain."""

OF_LINKS: Final = {
    *LOGGED_BY_LINKS,
    *(f"a callback {then}" for then in THEN),
    *(f"mistake: {mistake}" for mistake in MISTAKES),
    *(f"kind: {each.kind.name}" for each in HOST_KINDS),
    *(
        f"failed: {error}"
        for error in (
            "BadReply", "CancelledError", "Fault", "NotReady", "NotSent", "OutcomeUnknown", "ReplyTimeout",
        )
    ),
    *(f"between chunks: {what}" for what in ("appetite", "close", "end input", "lose", "pause", "resume")),
    "a command is asked alone",
    "a command is cancelled",
    "a heartbeat is answered",
    "a script awaits",
    "a subscriber asks",
    "the equipment asks",
    "an event comes",
    "an observer is attached",
    "calm",
    "commands are asked together",
    "done",
    "replies by id in another order",
    "replies come cut",
    "replies come merged",
    "the link connects again",
    "wild",
}  # fmt: skip
"""The situations that the links of hosts must contain."""


@pytest.mark.parametrize(
    ("count", "expected"),
    [(situations, OF_SESSIONS), (link_situations, OF_LINKS)],
    ids=["equipment", "hosts"],
)
def test_the_sessions_contain_every_situation(
    count: Callable[[int], Counter[str]], expected: set[str]
) -> None:
    found: Counter[str] = Counter()
    with virtual_time():
        for seed in range(SAMPLE):
            found += count(seed)
    assert [] == sorted(expected - set(found))
    assert 0.4 < found["calm"] / SAMPLE < 0.6


def test_many_commands_of_calm_sessions_are_carried_out_by_generated_functions() -> None:
    answer, others = Responder.answer, 0

    def counted(responder: Responder, *args: Any) -> None:
        nonlocal others
        before = made.scene.calls
        try:
            answer(responder, *args)
        finally:
            others += made.scene.calls - before

    calls = 0
    with virtual_time(), patch.object(Responder, "answer", counted):
        for script in filter(lambda script: script.is_calm, map(script_of, range(SAMPLE))):
            made = Play(script, sessions.GENERATED)
            made.run()
            calls += made.scene.calls
    assert 0.15 < 1 - others / calls < 1


@pytest.mark.parametrize("run", [run_session, run_link], ids=["equipment", "host"])
def test_a_seed_gives_the_same_session_each_time(run: Run) -> None:
    with virtual_time():
        assert [None] * 20 == [first_difference(run(seed, True), run(seed, True)) for seed in range(20)]


# -- the comparison finds defects -----------------------------------------------------------------------


@contextmanager
def spoiled(module: Any, spoil: Callable[[Any, bytes, Callable[[bytes], None]], None]) -> Iterator[None]:
    """Let each chunk of the generated way pass through a function, which gets the session and the rest."""
    kind = module.GENERATED

    class Spoiled(kind):  # type: ignore[misc, valid-type]
        def dataReceived(self, data: bytes) -> None:
            spoil(self, data, super().dataReceived)

    Spoiled.__name__ = kind.__name__
    with patch.object(module, "GENERATED", Spoiled):
        yield


def lose(session: Any, data: bytes, receive: Callable[[bytes], None]) -> None:
    if len(data) % 16:
        receive(data)


def count_twice(session: Any, data: bytes, receive: Callable[[bytes], None]) -> None:
    receive(data)
    session.frames_received += len(data) > 2000


def pause(session: Any, data: bytes, receive: Callable[[bytes], None]) -> None:
    receive(data)
    if len(data) > 2000 and session.is_open:
        session.pauseProducing()


def log(session: Any, data: bytes, receive: Callable[[bytes], None]) -> None:
    receive(data)
    if len(data) > 2000:
        session.log.info("much was received")


def send(session: Any, data: bytes, receive: Callable[[bytes], None]) -> None:
    if len(data) > 2000 and session.is_open:
        session.sendBytes(b"more")
    receive(data)


SPOILED: Final = {
    "a chunk is lost": lose,
    "a frame is counted twice": count_twice,
    "the session is paused": pause,
    "a line more is logged": log,
    "bytes too many are sent": send,
}


@contextmanager
def sent_though_aborted() -> Iterator[None]:
    """Let the send buffer write what is kept ahead when the session is aborted."""
    abort = SendBuffer.abort

    def send_and_abort(buffer: Any) -> None:
        if buffer.ahead:
            buffer._transport.write(b"".join(buffer.ahead))
        abort(buffer)

    with patch.object(SendBuffer, "abort", send_and_abort):
        yield


@contextmanager
def sent_though_closed() -> Iterator[None]:
    """Let the generated functions not look whether the session was closed."""
    blind = answering_loop._COMMAND.replace(" or session.is_held", "")
    answering_loop._loops.cache_clear()
    try:
        with patch.object(answering_loop, "_COMMAND", blind):
            yield
    finally:
        answering_loop._loops.cache_clear()


@contextmanager
def rest_lost() -> Iterator[None]:
    """Lose the frames behind a command that the generated function has begun and not finished."""
    answer = Responder.answer

    def answer_one(responder: Any, frames: Any, begun: Any = None) -> None:
        answer(responder, frames if begun is None else [*frames][:1], begun)

    with patch.object(Responder, "answer", answer_one):
        yield


Plant = Callable[[], AbstractContextManager[object]]

DEFECTS: Final[dict[str, Plant]] = {
    **{name: partial(spoiled, sessions, spoil) for name, spoil in SPOILED.items()},
    "replies kept before abort() are sent": sent_though_aborted,
    "the reply of a handler that closes its session is sent": sent_though_closed,
    "a plain function that returns a Deferred in mid-chunk loses later replies": rest_lost,
}
"""Defects of equipment: each is a context manager that plants one in the generated way only."""

HOST_DEFECTS: Final[dict[str, Plant]] = {
    name: partial(spoiled, links, spoil) for name, spoil in SPOILED.items()
}
"""Defects of hosts."""


def finds(run: Run, plant: Plant) -> bool:
    """Return True if a planted defect makes one of the sessions differ."""
    with plant(), virtual_time():
        return any(compare(run, seed) is not None for seed in range(TRIED))


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_comparison_finds_a_defect_of_equipment(defect: str) -> None:
    assert finds(run_session, DEFECTS[defect])


@pytest.mark.parametrize("defect", HOST_DEFECTS)
def test_the_comparison_finds_a_defect_of_hosts(defect: str) -> None:
    assert finds(run_link, HOST_DEFECTS[defect])
