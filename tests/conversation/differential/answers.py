"""The equipment at the other end of a random link: its kinds, its answers, and its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from attrs import evolve, frozen

from tcpcomm import CodecError, Fault, profile
from tcpcomm.codec.base import Request
from tests.conversation.differential import equipment as e
from tests.conversation.differential import kinds
from tests.conversation.differential.acts import Scene
from tests.conversation.differential.kinds import Kind

RESULTS: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    "locate": lambda values: e.Position(float(values["job"]), 2.5),
    "stop": lambda values: None,
    "get_value": lambda values: values["channel"] / 2,
    "say": lambda values: values["text"].replace("#", "/"),
    "take_control": lambda values: None,
    "give_up_control": lambda values: None,
    "load": lambda values: values["job"],
    "rename": lambda values: values["name"],
    "where": lambda values: e.Position(1.0, 2.0),
    "log_lines": lambda values: ["one", "둘"],
    "weigh": lambda values: 12.5,
    "ping": lambda values: None,
    "tare": lambda values: None,
    "show": lambda values: values["text"],
    "version": lambda values: "1.2",
    "measure": lambda values: 100 + values["place"],
    "read": lambda values: [*range(values["start"], values["start"] + values["count"])],
    "write": lambda values: None,
    "echo": lambda values: values["text"],
}
"""The results of the commands, by name."""

EVENT_VALUE: Final = {"alarm": "code", "moved": "y", "warned": "code", "changed": "value"}
"""The parameter of each event."""

MISTAKES: Final = (
    "fault",
    "fault",
    "another's reply",
    "unknown frame",
    "surplus frame",
    "twice",
    "missing",
    "in another order",
    "broken bytes",
    "half",
)
"""What is wrong with a reply."""

WITHOUT_HEARTBEATS: Final = evolve(profile("lan"), heartbeats=None)


@frozen
class HostKind:
    """A kind of link: the declaration of the equipment, and its part that tells how frames look."""

    declared: type[Any]
    kind: Kind
    policy: Any = WITHOUT_HEARTBEATS
    credentials: dict[str, str] | None = None


class PipelinedCamera(e.Camera):
    """A camera that promises to keep the order of 16 commands."""

    pipeline = 16


HOST_KINDS: Final = (
    HostKind(e.Camera, kinds.CAMERA),
    HostKind(PipelinedCamera, kinds.CAMERA),
    HostKind(e.LoginCamera, kinds.LOGIN, credentials={"user": "somebody"}),
    HostKind(e.Robot, kinds.ROBOT),
    HostKind(e.Scale, kinds.SCALE),
    HostKind(e.Scale, kinds.SCALE, policy=profile("fleet")),
    HostKind(e.Gauge, kinds.GAUGE),
    HostKind(e.Plc, kinds.PLC),
    HostKind(e.SimplePlc, kinds.SIMPLE_PLC),
    HostKind(e.Tool, kinds.TOOL),
    HostKind(e.JsonCamera, kinds.JSON),
    HostKind(e.JsonById, kinds.JSON_BY_ID),
    HostKind(e.RpcCamera, kinds.RPC),
    HostKind(e.TwoWayCamera, kinds.TWO_WAY),
    HostKind(e.Telescope, kinds.TELESCOPE),
)


@frozen
class Answers:
    """Makes what the equipment sends, as bytes of its framing."""

    kind: HostKind
    declaration: Any
    scene: Scene

    def wire(self, frame: bytes, number: int = 0) -> bytes:
        """Return a frame as the equipment sends it."""
        ends = self.kind.kind.ends
        if ends:
            return frame + ends[number % len(ends)]
        encoded: bytes = self.declaration.sent.encode(frame)
        return encoded

    def event(self, number: int) -> bytes:
        if self.declaration.host_side is not None and number % 2:
            self.scene.note("the equipment asks")
            return self.wire(b"PART?")
        if not self.declaration.events:
            return b""
        (name,) = self.declaration.events
        frame: bytes = self.declaration.dialect.event(name, {EVENT_VALUE[name]: number})
        return self.wire(frame, number)

    def _answer(self, frame: bytes) -> list[bytes]:
        """Return the frames that answer a request well, as they are sent."""
        dialect, found = self.declaration.dialect, []
        for request in dialect.read_at_equipment(frame).requests:
            if not isinstance(request, Request) or not request.wants_reply or request.name == "reset":
                continue
            acknowledgement = dialect.acknowledgement(request)
            if acknowledgement is not None:
                found.append(acknowledgement)
            reply = dialect.reply(request, RESULTS[request.name](request.values))
            found += self.declaration.framed(request.name, reply)
        return [self.wire(each, number) for number, each in enumerate(found)]

    def _fault(self, frame: bytes) -> list[bytes]:
        """Return the fault that answers a request, if the equipment has faults."""
        dialect = self.declaration.dialect
        (request, *_) = dialect.read_at_equipment(frame).requests
        try:
            return [self.wire(dialect.fault(request, Fault(5, "no part")))]
        except CodecError:
            return []

    def to(
        self, frames: list[bytes], random: Random, wrong: float = 0.0, *, has_events: bool = False
    ) -> list[bytes]:
        """Return the answers to some requests, with events between them, and with mistakes."""
        if self.declaration.dialect.by_id and random.random() < 0.3:
            random.shuffle(frames)
            self.scene.note("replies by id in another order")
        if len(frames) > 1:
            self.scene.note("replies come merged")
        wires: list[bytes] = []
        events = random.choice((0.0, 0.0, 0.3)) if has_events else 0.0
        for frame in frames:
            if random.random() < events:
                wires.append(self.event(random.randrange(100)))
            good = self._answer(frame)
            if random.random() < wrong:
                good = self._spoil(random, random.choice(MISTAKES), frame, good, wires)
            wires += good
        if not frames and random.random() < wrong:
            wires += self._spoil(random, random.choice(("unknown frame", "broken bytes")), b"", [], wires)
        return wires

    def _spoil(
        self, random: Random, mistake: str, frame: bytes, good: list[bytes], before: list[bytes]
    ) -> list[bytes]:
        """Return another answer than the good one."""
        kind = self.kind.kind
        self.scene.note(f"mistake: {mistake}")
        if mistake == "fault":
            return self._fault(frame)
        if mistake == "another's reply":
            calls = kind.calls
            name, values = random.choice(calls)
            return self._answer(self.declaration.dialect.request(name, dict(values), random.randrange(9)))
        if mistake == "unknown frame":
            return [self.wire(random.choice(kind.wrong))]
        if mistake == "surplus frame":
            return [self.wire(random.choice(kind.wrong)), *good]
        if mistake == "twice":
            return good * 2
        if mistake == "in another order":
            return [*good, *before[-1:]]
        if mistake == "broken bytes":
            return [random.choice(kind.broken)]
        if mistake == "half":
            return [each[: len(each) // 2] for each in good[-1:]]
        return []
