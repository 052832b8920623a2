"""
Our end of a talk with the generated C# classes: ``python -m tests.interop.csharp_classes.talk PROGRAM``.

It prints one line for each fact that holds, and fails with an error at the first one that does not.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tcpcomm import Fault, blocking
from tcpcomm.equipment.equipment import Equipment
from tests.docs.processes import SECONDS
from tests.interop.csharp_classes.declared import (
    Found,
    JsonCell,
    Judgement,
    Lost,
    Point,
    RpcCell,
    Scan,
    Step,
    TextCell,
    TextValues,
    Values,
    json_values,
    text_values,
)
from tests.interop.csharp_classes.declared_binary import (
    BinaryCell,
    BinaryValues,
    HeadedCell,
    binary_values,
)
from tests.tools.generate.declared import Point as BinaryPoint

HERE = "tcp:0:interface=127.0.0.1"


class OurTextCell(TextCell):
    """The equipment's end."""

    def __init__(self) -> None:
        self.kept: TextValues | None = None
        self.notes: list[str] = []

    def authenticate(self, **credentials: str) -> bool:
        return credentials == {"user": "robot", "password": "geheim"}

    def ping(self) -> None:
        pass

    def put(self, *values: Any, **others: Any) -> None:
        self.kept = TextValues(*values, **others)

    put.__signature__ = signature(TextCell.put)  # type: ignore[attr-defined]

    def get(self) -> TextValues:
        return text_values()

    def total(self, a: int, b: int = 2) -> int:
        return a + b

    def steps(self, count: int) -> list[Step]:
        return [Step(each, f"단계 {each}") for each in range(1, count + 1)]

    def log(self) -> list[str]:
        return ["first", "둘째", ""]

    def scan(self) -> Scan:
        return Scan("top", [0.5, -2.0])

    def find(self, job: int) -> Found | Lost | None:
        if job == 5:
            raise Fault(5, "부품 없음")
        known: dict[int, Found | Lost] = {1: Found(1.5, 0.25), 2: Found(2.5), 3: Lost(7)}
        return known.get(job)

    def measure(self, job: int) -> float | None:
        if job == 3:
            raise Fault(8)
        return (12.5, None)[job - 1]

    def move(self, to: float) -> float:
        return to

    def set(self, value: int) -> None:
        if value == 2:
            raise Fault(2, "too much")

    async def work(self) -> None:
        for percent in (20, 40, 60, 80):
            await sleep(0.2)
            self.busy(percent)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.alarm(9, f"noted {text}")


class OurJsonCell(JsonCell):
    """The equipment's end."""

    def __init__(self) -> None:
        self.kept: tuple[Values, list[int] | None] | None = None

    def ping(self) -> None:
        pass

    def put(self, values: Values, more_values: list[int] | None = None) -> None:
        self.kept = values, more_values
        self.changed(values.points, values.judgement)

    def get(self) -> Values:
        return json_values()

    async def wait(self, seconds: float, name: str = "late") -> str:
        await sleep(seconds)
        return name

    def fail(self, code: int) -> float:
        raise Fault(code, "문", [1, 2] if code == 4 else None)


class OurRpcCell(RpcCell):
    """The equipment's end."""

    def locate(self, job: int, name: str = "작업") -> Point:
        if job == 9:
            raise Fault(9, name)
        self.moved(Point(job, -0.5))
        return Point(job, len(name))


class OurBinaryCell(BinaryCell):
    """The equipment's end."""

    def __init__(self) -> None:
        self.kept: BinaryValues | None = None

    def put(self, values: BinaryValues) -> None:
        self.kept = values
        self.alarm(513, values.doors)

    def get(self) -> BinaryValues:
        return binary_values()

    def coils(self, start: int, size: int) -> list[bool]:
        return [each % 3 == 0 for each in range(start, start + size)]

    def fail(self, code: int) -> int:
        raise Fault(code, "" if code == 7 else "문")


class OurHeadedCell(HeadedCell):
    """The equipment's end."""

    def open(self, name: str) -> int:
        if not name:
            raise Fault(0x8123, "", b"\x01\x02\x03")
        self.session.set(0x11223344)
        return 5

    def units(self) -> list[int]:
        return [self.unit.value, self.session.value & 0xFF]

    def beat(self, job: int) -> None:
        self.finished(job, BinaryPoint(1.5, -2.0))

    async def wait(self, milliseconds: int) -> int:
        await sleep(milliseconds / 1000)
        return milliseconds


def sleep(seconds: float) -> Deferred[None]:
    """Return a Deferred that fires after some seconds."""
    return deferLater(running_reactor(), seconds, lambda: None)


def running_reactor() -> Any:
    """Return the reactor that runs in the background."""
    from twisted.internet import reactor

    return reactor


def equal(expected: Any, actual: Any, what: str) -> None:
    """Print that something is right, or fail."""
    assert expected == actual, f"{what}: expected {expected!r}, not {actual!r}"
    print(what, flush=True)


def clients(program: str, name: str, equipment: Equipment, expected: Sequence[str]) -> None:
    """Let the C# client ask our equipment, and compare what it prints."""
    with blocking.serve(equipment, at=HERE) as serving:
        done = subprocess.run(
            ["mono", program, "client", name, str(serving.ports[0])],
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
        )
    assert (0, "") == (done.returncode, done.stderr), done.stdout + done.stderr
    equal([*expected], done.stdout.splitlines(), f"a client of {name} is told what our equipment says")


@contextmanager
def server(program: str, name: str) -> Iterator[str]:
    """Start the C# server, return its place, and stop it at the end."""
    with subprocess.Popen(
        ["mono", program, "server", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        yield f"tcp:127.0.0.1:{int(process.stdout.readline())}"
        process.communicate(timeout=SECONDS)
        assert 0 == process.returncode


def fault_of(call: Any) -> tuple[Any, str, Any]:
    """Return the code, the reason and the data of the fault of a call."""
    try:
        call()
    except Fault as fault:
        return fault.code, fault.reason, fault.data
    raise AssertionError("no fault came")


def talk_as_text(program: str) -> None:
    """Let both ends of the declaration of text talk with those in C#."""
    cell = OurTextCell()
    told = [
        "42",
        "1단계 1|2단계 2|3단계 3",
        "first|둘째|",
        "top 0.5;-2",
        "Found X=1.5, Score=0.25",
        "Found X=2.5, Score=1",
        "Lost Tries=7",
        "nothing",
        "FaultException: fault 5: 부품 없음",
        "12.5",
        "True",
        "FaultException: fault 8",
        "-1.5",
        "FaultException: fault 2: too much",
    ]
    refused = [
        "ArgumentException: the message contains the end of a message",
        "RangeException: 100 is beyond the range from 0 to 99",
        "9 noted 한글 note",
        "closed: this program closed the connection",
    ]
    clients(program, "text", cell, [*told, *refused])
    equal(text_values(), cell.kept, "a client of text sends each value as it got it")
    credentials = {"user": "robot", "password": "geheim"}
    with (
        server(program, "text") as place,
        blocking.remote(TextCell, at=place, credentials=credentials) as ours,
        ours.alarm.events(SECONDS) as alarms,
    ):
        ours.put(**attrs.asdict(text_values(), recurse=False))
        equal(text_values(), ours.get(), "a server of text keeps each value")
        equal(42, ours.total(40), "a server of text repeats parameters")
        steps = [Step(1, "step 1"), Step(2, "step 2")]
        equal((steps, []), (ours.steps(2), ours.steps(0)), "a server of text counts its frames")
        equal(["first", "둘째", ""], ours.log(), "a server of text ends its frames")
        equal(Scan("top", [0.5, -2.0]), ours.scan(), "a server of text sends two frames")
        found = [ours.find(job) for job in (1, 2, 3)]
        equal([Found(1.5, 0.25), Lost(7), None], found, "a server of text has several forms")
        faults = [fault_of(lambda job=job: ours.find(job)) for job in (4, 5)]
        expected = [(4, "부품 없음", None), (99, "the command failed", None)]
        equal(expected, faults, "a server of text says no")
        measured = [ours.measure(1), ours.measure(2)]
        equal([12.5, None], measured, "a server of text sends a value, or another meaning")
        codes = [fault_of(lambda job=job: ours.measure(job))[0] for job in (3, 4)]
        equal([8, 99], codes, "a server of text sends no value with another meaning")
        equal(-1.5, ours.move(-1.5), "a server of text acknowledges")
        ours.set(1)
        equal((2, "too much", None), fault_of(lambda: ours.set(2)), "a server of text is silent")
        ours.work()
        ours.note("한글 note")
        equal((9, "noted 한글 note"), tuple(next(alarms)), "a server of text sends events")


def talk_as_json(program: str) -> None:
    """Let both ends of the declarations of JSON talk with those in C#."""
    cell = OurJsonCell()
    told = [
        "early",
        "late",
        "FaultException: fault 3: 문",
        "True 2",
        "Point X=1, Y=2 Bad",
        "ReplyTimeoutException: No reply within 0.2 s.",
    ]
    clients(program, "json", cell, told)
    equal((json_values(), [1, 2]), cell.kept, "a client of JSON sends each value as it got it")
    with (
        server(program, "json") as place,
        blocking.remote(JsonCell, at=place) as ours,
        ours.changed.events(SECONDS) as changes,
    ):
        ours.put(json_values(), [1, 2])
        equal(json_values(), ours.get(), "a server of JSON keeps each value")
        equal(([Point(1.0, 2.0)], Judgement.BAD), tuple(next(changes)), "a server of JSON sends events")
        equal("late", ours.wait(0.0), "a server of JSON knows defaults")
        faults = [fault_of(lambda code=code: ours.fail(code)) for code in (4, 0)]
        expected = [(4, "문", [1, 2]), (-32603, "the command failed", None)]
        equal(expected, faults, "a server of JSON says no")
    clients(
        program,
        "rpc",
        OurRpcCell(),
        ["Point X=3, Y=2", "FaultException: fault 9: 문", "Point X=3, Y=-0.5"],
    )
    with (
        server(program, "rpc") as place,
        blocking.remote(RpcCell, at=place) as ours,
        ours.moved.events(SECONDS) as moves,
    ):
        equal(Point(3.0, 2.0), ours.locate(3), "a server of JSON-RPC answers")
        equal(Point(3.0, -0.5), next(moves).to, "a server of JSON-RPC sends events")
        equal((9, "문", None), fault_of(lambda: ours.locate(9, "문")), "a server of JSON-RPC says no")


def talk_as_bytes(program: str) -> None:
    """Let both ends of the declarations of bytes talk with those in C#."""
    cell = OurBinaryCell()
    told = [
        "1001001001",
        "FaultException: fault 7: too hot",
        "FaultException: fault 3: 문",
        "513 Left, Right",
    ]
    clients(program, "binary", cell, told)
    equal(binary_values(), cell.kept, "a client of bytes sends each value as it got it")
    with (
        server(program, "binary") as place,
        blocking.remote(BinaryCell, at=place) as ours,
        ours.alarm.events(SECONDS) as alarms,
    ):
        ours.put(binary_values())
        equal(binary_values(), ours.get(), "a server of bytes keeps each value")
        equal(513, next(alarms).code, "a server of bytes sends events")
        coils = [each % 3 == 0 for each in range(3, 13)]
        equal(coils, ours.coils(3, 10), "a server of bytes knows the size of the request")
        faults = [fault_of(lambda code=code: ours.fail(code))[:2] for code in (7, 3, 0)]
        equal([(7, "too hot"), (3, "문"), (4, "the command failed")], faults, "a server of bytes says no")


def talk_with_headers(program: str) -> None:
    """Let both ends of a declaration with headers talk with those in C#."""
    told = ["5", "7,68", "1", "500", "FaultException: fault 33059", "01-02-03", "9 Point X=1.5, Y=-2"]
    clients(program, "headed", OurHeadedCell(), told)
    with (
        server(program, "headed") as place,
        blocking.remote(HeadedCell, at=place) as ours,
        ours.finished.events(SECONDS) as jobs,
    ):
        equal((5, [7, 0x44]), (ours.open("robot"), ours.unit(7).units()), "a server has values in headers")
        equal((0x8123, "", b"\x01\x02\x03"), fault_of(lambda: ours.open("")), "a server has statuses")
        ours.beat(9)
        equal((9, BinaryPoint(1.5, -2.0)), tuple(next(jobs)), "a server has a header for events")


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    talk_as_text(sys.argv[1])
    talk_as_json(sys.argv[1])
    talk_as_bytes(sys.argv[1])
    talk_with_headers(sys.argv[1])
