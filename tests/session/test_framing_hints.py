"""After a framing fault the log has a hint at the framing that the peer seems to speak."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tcpcomm import Equipment, FrameFactory, Login, command
from tcpcomm.codec import Template
from tcpcomm.errors import BadChecksum, BadLength, FrameTooLong, FramingError, UnexpectedBytes
from tcpcomm.framing import Checked, Delimited, Framing, LengthPrefixed, checksum
from tcpcomm.runtime.framing_hints import (
    HINT_BYTES,
    HINT_INTERVAL,
    HINTED_PEERS,
    FramingHints,
    hint_at_fault,
    hints_of,
)
from tcpcomm.server.serving import EquipmentFactory
from tests.session.stage import PEER, Fault, Logged, Spy, Stage, Transport, staged
from tests.threads import ClockWithThreads, LazyThreads

MESSAGES = [b"OK,%d.%03d,%d\r" % (3 * i, 37 * i, i % 4) for i in range(12)]
HINT = (
    rf"{PEER}: this looks like delimited:\r (likely, from the last 140 bytes), "
    "but length:4,max=1000 is declared"
)


class Reading(Spy):
    framing: Framing = LengthPrefixed(4, max_frame=1000)


def hinted(protocol: Any = Reading, **options: Any) -> tuple[Stage, LazyThreads]:
    """Return a stage whose reactor has threads."""
    stage = staged(protocol, **options)
    return stage, with_threads(stage)


def with_threads(stage: Stage) -> LazyThreads:
    threads = LazyThreads()
    clock: Any = stage.clock
    clock.getThreadPool = lambda: threads
    clock.callFromThread = lambda function, *args, **kw: function(*args, **kw)
    return threads


def hints_in(logged: Logged) -> list[str]:
    return [line for line in logged.lines() if "this looks like" in line]


# -- the hint ---------------------------------------------------------------------------------------------


def test_a_session_that_dies_of_its_framing_leaves_one_hint(logged: Logged) -> None:
    stage, threads = hinted()
    stage.receive(b"".join(MESSAGES))
    assert [Fault(FrameTooLong)] == stage.session.seen[:1]
    assert [] == hints_in(logged)  # the reactor's thread does nothing but to ask another one

    threads.work()
    assert [HINT] == hints_in(logged)
    assert 0 == len(threads)


@pytest.mark.parametrize(
    ("framing", "data", "kind"),
    [
        (LengthPrefixed(4), MESSAGES, FrameTooLong),
        (LengthPrefixed(2, form="decimal"), MESSAGES, BadLength),
        (Checked(Delimited(b"\r"), checksum("crc-16/modbus")), MESSAGES, BadChecksum),
    ],
    ids=["too long", "bad length", "bad checksum"],
)
def test_each_kind_of_fault_about_boundaries_brings_it(
    framing: Framing, data: Sequence[bytes], kind: type[FramingError], logged: Logged
) -> None:
    stage, threads = hinted(framing=framing)
    stage.receive(b"".join(data))
    assert Fault(kind) in stage.session.seen

    threads.work()
    [line] = hints_in(logged)
    assert "this looks like delimited:\\r (likely" in line


def test_a_frame_that_does_not_end_in_time_brings_it(logged: Logged) -> None:
    stage, threads = hinted(framing=Delimited(b"\r\n"))
    stage.receive(*MESSAGES)
    stage.wait(60)
    assert stage.transport.lost

    threads.work()
    [line] = hints_in(logged)
    assert "this looks like delimited:\\r (likely" in line
    assert r"but delimited:\r\n is declared" in line


def test_the_bytes_of_earlier_sessions_of_the_peer_count(logged: Logged) -> None:
    stage, threads = hinted()
    for message in MESSAGES:  # each session dies of its first message
        stage.receive(message)
        threads.work()
        stage.wait(60)
        stage.transport = Transport()
        stage.session = stage.factory.buildProtocol(stage.transport.address)
        stage.transport.protocol = stage.session
        stage.connect()

    lines = hints_in(logged)
    assert lines
    assert "this looks like delimited:\\r" in lines[-1]


def test_a_fault_that_says_nothing_about_boundaries_brings_none() -> None:
    stage, threads = hinted(framing=LengthPrefixed(2, offset=1, sync=b"\x02"))
    stage.receive(b"".join(MESSAGES))
    assert Fault(UnexpectedBytes) in stage.session.seen
    assert 0 == len(threads)


@pytest.mark.parametrize(
    "data",
    [b"TRG,3\r", Random(1).randbytes(300), b"G" * 5000, b"GH" * 2000],
    ids=["one message", "noise", "one byte again and again", "two bytes again and again"],
)
def test_bytes_that_nothing_explains_bring_none(data: bytes, logged: Logged) -> None:
    stage, threads = hinted()
    stage.receive(data)
    assert [Fault(FrameTooLong)] == stage.session.seen[:1]
    threads.work()
    assert [] == hints_in(logged)


def test_the_declared_framing_is_no_hint(logged: Logged) -> None:
    """One frame was too long, or spoilt on its way; the framing is right."""
    stage, threads = hinted(framing=Delimited(b"\r", max_frame=12))
    stage.receive(*MESSAGES[:5], MESSAGES[5][:-1] * 3 + b"\r", *MESSAGES[6:])
    assert Fault(FrameTooLong) in stage.session.seen
    threads.work()
    assert [] == hints_in(logged)


# -- when there is none -----------------------------------------------------------------------------------


def test_nothing_is_kept_before_the_first_fault() -> None:
    stage, threads = hinted(framing=Delimited(b"\r"))
    stage.receive(*MESSAGES)
    assert 0 == len(threads)
    assert {} == hints_of(stage.clock).kept()


def test_it_can_be_switched_off() -> None:
    stage, threads = hinted(framing_hints=False)
    stage.receive(b"".join(MESSAGES))
    assert 0 == len(threads)
    assert {} == hints_of(stage.clock).kept()


def test_a_session_that_keeps_a_secret_brings_none() -> None:
    class Secret(Reading):
        def sessionReady(self) -> None:
            self.keeps_secret = True

    stage, threads = hinted(Secret)
    stage.receive(b"".join(MESSAGES))
    assert {} == hints_of(stage.clock).kept()
    assert 0 == len(threads)


def test_a_session_that_kept_a_secret_before_brings_none() -> None:
    class Secret(Reading):
        def sessionReady(self) -> None:
            self.keeps_secret = True

    stage, threads = hinted(Secret)
    stage.session.keeps_secret = False
    stage.receive(b"".join(MESSAGES))
    assert {} == hints_of(stage.clock).kept()
    assert 0 == len(threads)


class Camera(Equipment):
    """A camera with or without a password."""

    framing = LengthPrefixed(4, max_frame=1000)
    codec = Template(fault="NG,{code:d}")

    @command("TRG", reply="OK")
    async def trigger(self) -> None:
        """Take a picture."""


class GuardedCamera(Camera):
    """A camera with a password."""

    login = (Login(send="LOGIN {password}"), Login("OK"))


@pytest.mark.parametrize(("camera", "hints"), [(Camera, 1), (GuardedCamera, 0)])
def test_equipment_with_a_login_brings_none(camera: type[Camera], hints: int, logged: Logged) -> None:
    stage = Stage(camera(), factory=EquipmentFactory)
    threads = with_threads(stage)
    stage.connect().session.keeps_secret = False  # the login is over
    stage.receive(b"".join(MESSAGES))
    assert hints == len(threads)
    assert hints == len(hints_of(stage.clock).kept())
    assert logged.lines()


def test_a_clock_without_threads_brings_none() -> None:
    stage = staged(Reading)
    stage.receive(b"".join(MESSAGES))
    assert {} == hints_of(stage.clock).kept()


# -- limits -----------------------------------------------------------------------------------------------


class Hints:
    """Hints in virtual time. Each search takes ``seconds`` and finds ``words``."""

    def __init__(self) -> None:
        self.clock = ClockWithThreads()
        self.hints = FramingHints(self.explain)
        self.seconds = 0.0
        self.words = "this looks like lines"
        self.error: Exception | None = None
        self.asked: list[tuple[bytes, ...]] = []

    def explain(self, chunks: Sequence[tuple[float, bytes]], framing: Framing) -> str:
        self.asked.append(tuple(data for _, data in chunks))
        self.clock.advance(self.seconds)
        if self.error is not None:
            raise self.error
        return self.words

    def take(self, data: bytes = b"x", host: str = "10.0.0.5") -> None:
        self.hints.take(self.clock, PEER, host, LengthPrefixed(4), data)
        self.clock.threads.work()


def test_there_is_at_most_one_hint_a_minute(logged: Logged) -> None:
    hints = Hints()
    for second in range(3 * int(HINT_INTERVAL)):
        hints.take(b"%d" % second)
        hints.clock.advance(1)
    assert [f"{PEER}: this looks like lines"] * 3 == logged.lines()


def test_one_search_runs_at_a_time() -> None:
    hints = Hints()
    for _ in range(3):
        hints.hints.take(hints.clock, PEER, None, LengthPrefixed(4), b"x")
    assert 1 == len(hints.clock.threads)


@pytest.mark.parametrize(("seconds", "pause"), [(0.0, 5.0), (0.2, 10.0), (30.0, 60.0)])
def test_after_a_search_for_nothing_the_next_one_waits_longer_the_longer_it_took(
    seconds: float, pause: float
) -> None:
    hints = Hints()
    hints.words, hints.seconds = "", seconds
    hints.take()
    hints.clock.advance(pause - 0.01)
    hints.take(b"early")
    assert 1 == len(hints.asked)
    hints.clock.advance(0.02)
    hints.take(b"due")
    assert 2 == len(hints.asked)


def test_the_last_4_kib_of_a_peer_are_looked_at(logged: Logged) -> None:
    hints = Hints()
    for number in range(5):
        hints.take(b"%d" % number * 1000)
    hints.clock.advance(HINT_INTERVAL)
    hints.take(b"last")
    assert [b"%d" % number * 1000 for number in (1, 2, 3, 4)] + [b"last"] == [*hints.asked[-1]]
    assert sum(map(len, hints.asked[-1])) <= HINT_BYTES
    assert logged.lines()


class Measured(bytes):
    """Bytes that count how often their length is asked for."""

    asked = 0

    def __len__(self) -> int:
        Measured.asked += 1
        return super().__len__()


def test_each_fault_costs_the_same_however_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Measured, "asked", 0)
    hints = Hints()
    hints.words = ""
    for number in range(2 * HINT_BYTES):
        hints.take(Measured(b"%d" % (number % 10)))
    assert [HINT_BYTES] == [*hints.hints.kept().values()]
    assert Measured.asked <= 4 * 2 * HINT_BYTES


def test_several_faults_in_the_same_bytes_count_once(logged: Logged) -> None:
    hints = Hints()
    for _ in range(3):
        hints.take(b"same")
    hints.clock.advance(HINT_INTERVAL)
    hints.take(b"same")
    assert (b"same", b"same") == hints.asked[-1]
    assert logged.lines()


def test_the_bytes_of_16_peers_are_kept(logged: Logged) -> None:
    hints = Hints()
    for number in range(HINTED_PEERS + 5):
        hints.take(host=f"10.0.0.{number}")
    assert {f"10.0.0.{number}" for number in range(5, HINTED_PEERS + 5)} == {
        host for host, _ in hints.hints.kept()
    }
    assert logged.lines()


def test_a_search_that_fails_is_logged_and_harms_nothing(logged: Logged) -> None:
    hints = Hints()
    hints.error = ZeroDivisionError("no reason")
    hints.take()
    assert [f"the search for the framing of {PEER} failed (ZeroDivisionError)"] == logged.failures()


def test_a_reactor_that_is_gone_is_not_kept() -> None:
    factory = FrameFactory(Reading, clock=ClockWithThreads())
    assert hints_of(factory.clock) is hints_of(factory.clock)
    fault = FrameTooLong("x", offset=0, recoverable=False)
    session: Any = factory.buildProtocol(None)
    hint_at_fault(session, fault)  # without bytes there is nothing to look at
    assert {} == hints_of(factory.clock).kept()
