"""The dissectors give each answer to the command that an export gives it to, also if answers overtake."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from attrs import frozen

from tcpcomm import Equipment, MessageKind, ObservedMessage, command, declaration_of
from tcpcomm.codec import U8, U16, Binary, Json, Template
from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.samples import Samples
from tcpcomm.framing import Delimited, LengthPrefixed, Lines
from tcpcomm.tools.dissect.speech import Speech
from tests.conftest import needs_program
from tests.interop.wireshark import EQUIPMENT, HOST, Capture, Shown, dissected
from tests.interop.wireshark.captured import FIRST_PORT, script_of
from tests.tools.dissect.listening import Heard
from tests.tools.generate.declared import Drive
from tests.tools.generate.wireshark.examples import EXAMPLES

TALKS, STEPS = 4, 40
LONG = 30.0
"""Seconds after which every command has been given up."""


class Gauge(Equipment):
    """A gauge whose replies may be bare numbers, and that answers its heartbeat at any time."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="ERR {code:d}")
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command("COUNT", reply="{count:d}")
    def count(self) -> int:
        """Return how often it measured."""
        raise NotImplementedError

    @command("DEPTH {place:d}", reply="{depth:.2f}")
    def depth(self, place: int) -> float:
        """Measure a depth."""
        raise NotImplementedError

    @command("STOP", reply="STOPPED", timeout=1.0)
    def stop(self) -> None:
        """Stop."""
        raise NotImplementedError

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Show that it is alive."""


class Plate(Equipment):
    """Equipment without faults, whose replies may be any text."""

    framing = Delimited(b"\r\n")
    codec = Template(fault=None)

    @command("NAME?", reply="{name}")
    def name(self) -> str:
        """Return its name."""
        raise NotImplementedError

    @command("STOP", reply="STOPPED", timeout=1.0)
    def stop(self) -> None:
        """Stop."""


class Valve(Equipment):
    """A valve whose replies repeat the opcode, with a status."""

    framing = LengthPrefixed(2)
    codec = Binary(status=U8)

    @command(1)
    def turn(self, angle: U16) -> None:
        """Turn it."""

    @command(2)
    def angle(self) -> U16:
        """Return how far it is open."""
        raise NotImplementedError


class Feeder(Equipment):
    """A feeder whose replies repeat the word of the command."""

    framing = Lines()
    codec = Json(echo=True)

    @command()
    def feed(self, parts: int) -> int:
        """Feed parts."""
        raise NotImplementedError

    @command()
    def clear(self) -> None:
        """Clear it."""


KINDS: dict[str, type[Equipment]] = {
    each.__name__.lower(): each for each in (EXAMPLES["visioncamera"], Gauge, Plate, Valve, Feeder, Drive)
}
UNKNOWN = {"valve": b"\x00\x01\x7e", "drive": b"\x00\x01\x7e", "feeder": b'{"cmd":"what"}\n'}


@frozen
class Sent:
    """One frame, the seconds before it, and who sends it."""

    sender: str
    data: bytes
    pause: float = 0.0


def talk(declaration: Declaration, name: str, random: Random) -> Iterator[Sent]:
    """Yield what a host says that does not wait, and equipment that leaves commands out or overtakes."""
    dialect, samples = declaration.dialect, Samples(declaration)
    waiting: list[tuple[Request, dict[str, Any]]] = []

    def ask(command: str) -> Sent:
        values = samples.values(command, random)
        frame = dialect.request(command, values, 1)
        (asked,) = dialect.read_at_equipment(frame).requests
        assert isinstance(asked, Request)
        waiting.append((asked, values))
        return Sent(HOST, declaration.received.encode(frame), pause)

    def answer(place: int) -> Iterator[Sent]:
        asked, values = waiting.pop(place)
        if dialect.can_fail(asked.name) and random.random() < 0.3:
            frames = [dialect.fault(asked, samples.fault(asked.name, random))]
        else:
            frames = [b""]
            while not all(frames):
                frames = [*dialect.reply(asked, samples.result(asked.name, random, values))]
        for each in declaration.framed(asked.name, frames):
            yield Sent(EQUIPMENT, declaration.sent.encode(each))

    heartbeat = declaration.heartbeat if declaration.heartbeat_while_busy else None
    for _ in range(STEPS):
        step, pause = random.random(), 0.0
        if step < 0.4:
            yield ask(random.choice([*declaration.commands]))
        elif step < 0.75 and waiting:
            yield from answer(0)
        elif step < 0.85 and heartbeat is not None:
            if heartbeat not in [asked.name for asked, _ in waiting]:
                yield ask(heartbeat)
                yield from answer(-1)
        elif step < 0.9 and waiting:
            waiting.pop(0)  # it is never answered
        elif step < 0.95:
            yield Sent(HOST, UNKNOWN.get(name, b"WHAT\r\n"))
        else:
            waiting.clear()
            pause = LONG
            yield ask(random.choice([*declaration.commands]))


KIND_NAMES = {
    MessageKind.COMMAND: "request",
    MessageKind.REPLY: "reply",
    MessageKind.FAULT: "fault",
    MessageKind.EVENT: "event",
}


def named(message: ObservedMessage, numbers: dict[int, int]) -> tuple[str, str, list[str]]:
    """Return the kind and the name of a message, and the packet of the command that it answers."""
    kind = message.kind
    if kind is MessageKind.HEARTBEAT:
        kind = MessageKind.REPLY if message.sent else MessageKind.COMMAND
    asked = [] if message.answers is None else [str(numbers[id(message.answers)])]
    return KIND_NAMES[kind], message.name, asked


Pairs = list[tuple[tuple[str, str, list[str]], tuple[str, str, list[str]]]]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pairs]:
    """Return what a listener hears and what tshark shows of each frame that the listener understands."""
    needs_program("tshark", "apt-get install tshark")
    folder = tmp_path_factory.mktemp("which")
    capture, heard, scripts = Capture(), {}, {}
    for port, (name, kind) in enumerate(KINDS.items(), FIRST_PORT):
        declaration = declaration_of(kind)
        scripts[name] = script_of(folder, name, declaration, port)
        heard[name] = [
            each for seed in range(TALKS) for each in _heard(capture, port, declaration, name, Random(seed))
        ]
    path = folder / "which.pcap"
    capture.write(path)
    shown = dissected(path, scripts, "-2")
    return {name: _pairs(heard[name], shown[name]) for name in KINDS}


Listened = tuple[int, ObservedMessage, tuple[str, str, list[str]]]


def _heard(
    capture: Capture, port: int, declaration: Declaration, name: str, random: Random
) -> Iterator[Listened]:
    """Let both sides talk, and yield the understood messages with the numbers of their packets."""
    capture.connect(port)
    listener = Heard(Speech.declared(declaration))
    numbers: dict[int, int] = {}
    for sent in talk(declaration, name, random):
        capture.pause(sent.pause)
        listener.clock.advance(sent.pause + 0.001)
        capture.send(sent.sender, sent.data)
        before = len(listener.messages)
        (listener.host if sent.sender == HOST else listener.equipment)(sent.data)
        (message,) = listener.messages[before:]
        numbers[id(message)] = len(capture.packets)
        if message.kind in {*KIND_NAMES, MessageKind.HEARTBEAT} and not message.problem:
            yield len(capture.packets), message, named(message, numbers)


def _pairs(heard: list[Listened], shown: list[Shown]) -> Pairs:
    by_packet = {each.frame: each for each in shown}
    found = []
    for number, _, told in heard:
        each = by_packet[number]
        found.append((told, (each.kind, each.message, each.fields.get("request_in", []))))
    return found


@pytest.mark.parametrize("name", KINDS)
def test_each_answer_has_the_command_that_an_export_names(name: str, compared: dict[str, Pairs]) -> None:
    pairs = compared[name]
    assert [told for told, _ in pairs] == [shown for _, shown in pairs]
    answered = [told for told, _ in pairs if told[2]]
    assert {"reply", "fault"} - {"fault" if name == "plate" else ""} == {kind for kind, *_ in answered}
    assert len(answered) > TALKS * STEPS // 8
