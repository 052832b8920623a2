"""Handlers that do something unusual in a chunk: both ways of a session do the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tcpcomm import Equipment, Fault, Limits, command, current_session
from tcpcomm.codec import ID, OPCODE, U8, U16, Binary, Template, Via
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.server.serving import EquipmentFactory, EquipmentProtocol
from tcpcomm.testing import RecordingObserver
from tests.conversation.differential.sessions import General

Act = Callable[[int], Any]


pytestmark = pytest.mark.usefixtures("handlers_take_no_time")


class Wire(StringTransport):
    """A transport to a peer that reads only so many bytes."""

    most = 20_000

    @property
    def taken(self) -> bytes:
        """All bytes that were written."""
        data: bytes = self.value()  # type: ignore[no-untyped-call]
        return data

    def write(self, data: bytes) -> None:
        super().write(data)  # type: ignore[no-untyped-call]
        if len(self.taken) > self.most and self.producer is not None:
            self.producer.pauseProducing()

    def abortConnection(self) -> None:
        self.aborting = True


class Camera(Equipment):
    """A camera whose plain and asynchronous handlers act as a test says."""

    framing = Delimited(b"\n", max_frame=2000)
    codec = Template(fault="NG {code:d}")

    def __init__(self, act: Act) -> None:
        self._act = act

    @command("A{number:d}", reply="OK {number:d}")
    async def wait(self, number: int) -> int:
        later = self._act(number)
        if later is not None:
            await later
        if number == 8:
            raise Fault(8)
        return number

    @command("B{number:d}", reply="B {text}")
    def text(self, number: int) -> str:
        self._act(number)
        return "x" * (number if number > 100 else 1)


def _run(
    kind: type[EquipmentProtocol], make: Callable[[], Equipment], chunks: Sequence[bytes], **options: Any
) -> tuple[Any, ...]:
    """Send chunks in a session of this kind. Return what it did."""
    options = {"allow_http": True, **options}
    factory = EquipmentFactory(make(), clock=Clock(), **options)
    factory.protocol = kind
    session: Any = factory.buildProtocol(None)
    transport = Wire()  # type: ignore[no-untyped-call]
    session.makeConnection(transport)
    for chunk in chunks:
        session.dataReceived(chunk)
    counts = (session.frames_received, session.frames_sent, session.faults)
    return transport.taken, *counts, session.reason, session.unsent


def same(make: Callable[[], Equipment], *chunks: bytes, **options: Any) -> Any:
    """Return what a session did, which is the same in both ways."""
    short, general = (_run(kind, make, chunks, **options) for kind in (EquipmentProtocol, General))
    assert general == short
    return short


def _asleep(number: int) -> Any:
    return asyncio.sleep(0) if number in (1, 8, 9) else None


@pytest.mark.parametrize(
    "chunks",
    [
        (b"A0\n", b"A1\n"),
        (b"A0\n", b"A1\nA2\nA3\n", b"A4\n"),
        (b"A0\n", b"A0\nA8\nA3\n"),
        (b"A0\n", b"A9\nA1\nA9\n"),
    ],
)
def test_a_handler_that_yields_to_the_loop_is_answered_once(chunks: tuple[bytes, ...]) -> None:
    sent, *_ = same(lambda: Camera(_asleep), *chunks)

    assert b"".join(chunks).count(b"\n") == sent.count(b"\n")


OnOff = Annotated[str, Via(U8, read=lambda n: "on" if n else "off", write=lambda v: 1 if v == "on" else 0)]


def test_a_deferred_is_not_written_by_a_lenient_function() -> None:
    class Switch(Equipment):
        framing = LengthPrefixed(2)
        codec = Binary(code=U8)

        @command(1)
        @inlineCallbacks  # type: ignore[arg-type] # it returns a Deferred of this
        def switch(self, number: U8) -> OnOff:  # type: ignore[misc]
            waits: Deferred[None] = Deferred()
            yield waits
            return "on"

    sent, *_ = same(Switch, b"\0\2\1\0", b"\0\2\1\0\0\2\1\0")

    assert b"" == sent


def test_a_command_with_an_id_is_answered_once() -> None:
    class Axis(Equipment):
        framing = LengthPrefixed(2)
        codec = Binary(code=U8, id=U16, head=(ID, OPCODE))

        @command(1)
        async def move(self, number: U8) -> U8:
            if number == 1:
                await asyncio.sleep(0)
            return number

    def message(id: int, number: int) -> bytes:
        return b"\0\4" + bytes([0, id, 1, number])

    sent, *_ = same(Axis, message(1, 0), message(2, 1) + message(3, 2) + message(4, 3))

    assert [1, 2, 3, 4] == sorted(sent[at + 3] for at in range(0, len(sent), 6))


@pytest.mark.parametrize("delimiter", [b" ", b"E", b"\n"])
def test_nothing_is_cut_past_the_web_guard(delimiter: bytes) -> None:
    class Gauge(Camera):
        framing = Delimited(delimiter)
        codec = Template(fault="NG-{code:d}")

        @command("A{number:d}", reply="OK{number:d}")
        async def wait(self, number: int) -> int:
            return number

        @command("B{number:d}", reply="B{number:d}")
        def text(self, number: int) -> int:  # type: ignore[override] # another camera
            return number

    chunks = [b"A%d%b" % (number, delimiter) for number in range(4)]
    sent, *_ = same(lambda: Gauge(lambda number: None), *chunks, allow_http=False)

    assert 4 == sent.count(b"OK")


def test_the_limits_hold_with_a_peer_that_does_not_read() -> None:
    limits = Limits(unread_pause=5000, unread_abort=10_000)
    chunk = b"B900\n" * 112
    _, received, *_, reason, unsent = same(
        lambda: Camera(lambda number: None), b"B1\n", chunk, chunk, limits=limits
    )

    assert reason is None
    assert unsent > 0
    assert received < 225


def test_a_handler_reads_the_counts_of_its_session() -> None:
    seen: list[list[tuple[int, int]]] = []

    def make() -> Camera:
        counts: list[tuple[int, int]] = []
        seen.append(counts)

        def act(number: int) -> None:
            session = current_session()
            counts.append((session.frames_sent, session.unsent))

        return Camera(act)

    same(make, b"A1\n", b"A1\nA2\nA3\n", b"B1\nB2\nB3\n")

    assert seen[0] == seen[1]


def test_an_observer_that_a_handler_attaches_sees_the_rest() -> None:
    seen: list[list[Any]] = []

    def make() -> Camera:
        observer = RecordingObserver()
        seen.append(observer.log)

        def act(number: int) -> None:
            if number == 2:
                current_session().observers.add(observer)

        return Camera(act)

    same(make, b"A1\n", b"A1\nA2\nA3\nA4\n")

    assert ("frame_sent", b"OK 3") in seen[0]
    assert [each for each in seen[0] if each[0] == "frame_sent"] == [
        each for each in seen[1] if each[0] == "frame_sent"
    ]


def test_frames_behind_a_handler_that_is_interrupted_are_kept() -> None:
    def act(number: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    def run(kind: type[EquipmentProtocol]) -> int:
        factory = EquipmentFactory(Camera(act), clock=Clock(), allow_http=True)
        factory.protocol = kind
        session: Any = factory.buildProtocol(None)
        session.makeConnection(Wire())  # type: ignore[no-untyped-call]
        session.dataReceived(b"A1\n")
        with pytest.raises(KeyboardInterrupt):
            session.dataReceived(b"A1\nA2\nA3\nA4\n")
        session.resumeProducing()
        received: int = session.frames_received
        return received

    assert run(General) == run(EquipmentProtocol) == 5
