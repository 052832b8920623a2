"""Captures of declared equipment, in memory: requests, replies, faults and events of one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import define, field

from tcpcomm import Equipment, declaration_of
from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.samples import Samples
from tcpcomm.errors import Fault
from tcpcomm.framing import format_framing
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side

__all__ = ["Talk", "captured", "guess_of", "talk_of"]

Answers = Mapping[str, Callable[[Random], Any]]
"""What each command answers: a function that draws a result, or raises a Fault."""


def guess_of(kind: type[Equipment]) -> Guess:
    """Return the guess that is right for a declaration."""
    declaration = declaration_of(kind)
    framings = (format_framing(declaration.received), format_framing(declaration.sent))
    return Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=framings))


@define
class Talk:
    """The chunks of a connection, with their times."""

    declaration: Declaration
    random: Random
    now: float = 0.0
    asked: int = 0
    chunks: list[CapturedChunk] = field(factory=list)

    def host(self, frame: bytes) -> None:
        self.now += self.random.uniform(0.05, 0.3)
        self.chunks.append(CapturedChunk(0, self.declaration.received.encode(frame), self.now))

    def equipment(self, frames: Iterable[bytes], after: float) -> None:
        for each in frames:
            self.now += after
            self.chunks.append(CapturedChunk(1, self.declaration.sent.encode(each), self.now))

    def ask(self, name: str, values: Mapping[str, Any], result: Any) -> None:
        """Let the host ask, and the equipment answer with a result or a Fault."""
        declared, dialect = self.declaration.commands[name], self.declaration.dialect
        self.asked += 1
        frame = dialect.request(name, values, self.asked)
        self.host(frame)
        asked = dialect.read_at_equipment(frame).requests[0]
        assert isinstance(asked, Request), asked
        if not declared.has_reply or (declared.is_silent and result is None):
            return
        begun = dialect.acknowledgement(asked)
        if begun is not None:
            self.equipment([begun], 0.005)
        after = self.random.uniform(0.002, 0.03) if begun is None else 0.2
        if isinstance(result, Fault):
            self.equipment([dialect.fault(asked, result)], after)
        else:
            self.equipment(dialect.reply(asked, result), after)

    def tell(self, name: str, values: Mapping[str, Any]) -> None:
        """Let the equipment send an event."""
        self.equipment([self.declaration.dialect.event(name, values)], self.random.uniform(0.05, 0.2))

    @property
    def capture(self) -> Capture:
        return Capture(self.chunks, from_start=True)


def captured(kind: type[Equipment], count: int = 120, seed: int = 7, *, faults: float = 0.1) -> Capture:
    """Return a capture of so many strict exchanges, with drawn values."""
    declaration, random = declaration_of(kind), Random(seed)
    talk, samples = Talk(declaration, random), Samples(declaration)
    for _ in range(count):
        name = random.choice([*declaration.commands])
        values = samples.values(name, random)
        has_fault = declaration.dialect.can_fail(name) and random.random() < faults
        result = samples.fault(name, random) if has_fault else samples.result(name, random, values)
        talk.ask(name, values, result)
        if declaration.events and random.random() < 0.15:
            event = random.choice([*declaration.events])
            talk.tell(event, samples.event(event, random))
    return talk.capture


def talk_of(lines: Sequence[str], ends: tuple[bytes, bytes] = (b"\r\n", b"\r\n")) -> Capture:
    """Return a capture of lines: ``> `` in front of those of the host, ``< `` of those of the equipment."""
    now, chunks = 0.0, []
    for line in lines:
        side: Side = OPENER if line.startswith("> ") else ANSWERER
        now += 0.1 if side == 0 else 0.01
        chunks.append(CapturedChunk(side, line[2:].encode() + ends[side], now))
    return Capture(chunks, from_start=True)
