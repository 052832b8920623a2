"""The generated functions of a declaration: each of their lines runs, and people can read them."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent

from tcpcomm import Equipment, Fault, command, current_session
from tcpcomm.codec import ID, OPCODE, U8, U16, Binary, Json, Length, Template, Var
from tcpcomm.conversation.answering_loop import Loops, code_for, loops_for
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited, LengthPrefixed, Lines
from tcpcomm.server.serving import EquipmentFactory

pytestmark = pytest.mark.usefixtures("handlers_take_no_time")


@frozen
class Position:
    x: float
    y: float


class Odd(Position):
    """A position that cannot be read."""

    def __getattribute__(self, name: str) -> object:
        raise ValueError(name)


class Camera(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f}")
    async def locate(self, job: int) -> Position:
        match job:
            case 2:
                raise Fault(5, "no part")
            case 3:
                current_session().pauseProducing()
            case 4:
                return None  # type: ignore[return-value] # this is the case to try
            case 5:
                await self.later
            case 7:
                return Odd(1.0, 2.0)
            case 6:
                await self.later
                raise Fault(6, "late")
        return Position(1.0, float(job))

    @command("SAY,{text},END", reply="SAID,{text}")
    def say(self, text: str) -> str:
        if text == "fault":
            raise Fault(7, "no voice")
        if text == "pause":
            current_session().pauseProducing()
        if text == "odd":
            return 5  # type: ignore[return-value] # this is the case to try
        return "x" * 70_000 if text == "long" else text

    later: Deferred[None]


class Registers(Equipment):
    framing = LengthPrefixed(2, offset=4, strip=0)
    codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x01", OPCODE))

    @command(3)
    def read_holding(self, address: U16) -> U16:
        if address == 2:
            raise Fault(2)
        if address == 3:
            current_session().pauseProducing()
        return address if address != 4 else -1


class Axis(Equipment):
    framing = Lines()
    codec = Json()

    @command()
    def move(self, to: int) -> int:
        if to == 2:
            raise Fault(2, "no such place")
        if to == 3:
            current_session().pauseProducing()
        return to if to != 4 else "x"  # type: ignore[return-value] # this is the case to try


def _lines(*texts: bytes) -> list[bytes]:
    return [text + b"\r\n" for text in texts]


def _read(address: int) -> bytes:
    return b"\0\7\0\0\0\4\1\3" + address.to_bytes(2, "big")


SAID = [b"SAY," + each for each in (b"hi,END", b"fault,END", b"pause,END", b"long,END", b"odd,END", b"hi")]
MOVES = (*(b'{"cmd":"move","to":%d}' % to for to in range(5)), b'{"cmd":"move"}', b"{")
TRIED: list[tuple[type[Equipment], list[bytes]]] = [
    (
        Camera,
        _lines(*(b"TRG,%d" % job for job in range(1, 8)), b"TRG,x", b"WHAT", *SAID),
    ),
    (Registers, [*map(_read, range(5)), _read(1)[:9], b"\0\7\0\0\0\4\1\x09\0\1", b"\0\7\0\1\0\4\1\3\0\1"]),
    (Axis, _lines(*MOVES)),
]


def _declared(kind: type[Equipment]) -> tuple[Declaration, Loops]:
    declaration = declaration_of(kind)
    loops = loops_for(declaration, [getattr(kind, each) for each in declaration.commands], kind.__name__)
    assert loops is not None
    return declaration, loops


@contextmanager
def _lines_run(code: set[CodeType]) -> Iterator[set[int]]:
    """Yield a set, to which each line of these functions is added when it runs."""
    found: set[int] = set()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code not in code:
            return None
        found.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield found
    finally:
        sys.settrace(before)


def _answer(kind: type[Equipment], *chunks: bytes) -> bytes:
    """Send chunks in a session of its own, let what waits go on, and return what was answered."""
    equipment: Any = kind()
    equipment.later = Deferred()
    factory = EquipmentFactory(equipment, clock=Clock(), allow_http=True)
    session: Any = factory.buildProtocol(None)
    session.makeConnection(transport := StringTransport())
    for chunk in chunks:
        session.dataReceived(chunk)
    equipment.later.callback(None)
    session.resumeProducing()
    replies: bytes = transport.value()
    return replies


@pytest.mark.parametrize(("kind", "requests"), TRIED)
def test_each_line_of_the_generated_functions_runs(kind: type[Equipment], requests: list[bytes]) -> None:
    _, loops = _declared(kind)
    code = {loops.one.__code__, loops.several.__code__}

    with _lines_run(code) as run:
        for request in requests:
            _answer(kind, requests[0], request)  # a new decoder takes its first chunk the general way
            _answer(kind, requests[0], requests[0] + request + requests[1])

    lines = {line for each in code for _, _, line in each.co_lines() if line}
    wanted = lines - {each.co_firstlineno for each in code}
    assert {line: loops.source.splitlines()[line - 1] for line in sorted(wanted - run)} == {}


def test_a_traceback_shows_the_lines_of_the_generated_functions() -> None:
    _, loops = _declared(Camera)

    shown = linecache.getline(loops.several.__code__.co_filename, loops.several.__code__.co_firstlineno)

    assert shown.startswith("async def several(")


def test_the_code_is_shown_with_the_values_that_it_uses() -> None:
    code = code_for(declaration_of(Camera))

    assert "  get of {'TRG,': 1, 'SAY,': 2}\n" in code
    assert "b'OK,%.3f,%.3f\\r\\n'\n" in code
    assert "value = await calls[0](job=a0)\n" in code
    assert "value = calls[1](text=a0)\n" in code


def test_a_declaration_whose_commands_are_all_unusual_has_no_code() -> None:
    class Bell(Equipment):
        codec = Template()

        @command("RING", reply=None)
        def ring(self) -> None: ...

    assert "Bell go the general way" in code_for(declaration_of(Bell))


@pytest.mark.parametrize("answers", [(0x61, 0x61), (0x62,), (0x61, 0x62, 0x61)])
def test_a_handler_sets_values_in_the_header_of_its_reply(answers: tuple[int, ...]) -> None:
    class Meter(Equipment):
        framing = LengthPrefixed(1, offset=1, sync=b"\x68", strip=0)
        handle = Var(U8, 0)
        codec = Binary(head=(b"\x68", Length(U8), handle, OPCODE))

        @command(0x61)
        def register(self, handle: U8) -> None:
            self.handle.set(handle)

        @command(0x62)
        async def register_later(self, handle: U8) -> None:
            self.handle.set(handle)
            await self.later

        later: Deferred[None]

    first = b"\x68\3\0\x61\1"
    requests = b"".join(bytes([0x68, 3, 0, opcode, 10 + at]) for at, opcode in enumerate(answers))
    replies = b"".join(bytes([0x68, 2, 10 + at, opcode]) for at, opcode in enumerate(answers))

    assert b"\x68\2\1\x61" + replies == _answer(Meter, first, requests)


def test_a_failing_handler_is_logged_the_same_alone_and_among_others() -> None:
    class Broken(Camera):
        def say(self, text: str) -> str:
            raise ValueError(text)

    with capturedLogs() as events:
        chunks = (b"SAY,a,END\r\n", b"TRG,1\r\nSAY,a,END\r\nTRG,1\r\n")
        replies = [_answer(Broken, b"TRG,1\r\n", chunk) for chunk in chunks]

    assert [1, 1] == [reply.count(b"NG,") for reply in replies]
    assert replies[1].endswith(b"OK,1.000,1.000\r\n")
    assert 2 == sum("Broken.say failed" in (formatEvent(each) or "") for each in events)
