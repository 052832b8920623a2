"""Foreign equipment without ids that says too much: replies twice, and lines that nobody asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, Protocol

from tcpcomm.conversation.exchange import LONGEST_DOUBT
from tcpcomm.testing.network.wire import Machine, Network
from tests.soak.cells import PORT, Declared, Mood, Mover

__all__ = ["FOREIGN"]

REMEMBERED: Final = 1000
"""The number of repeated replies that are remembered."""

QUIET_FOR: Final = 0.5
"""The virtual seconds of silence that one of the declarations asks for."""

LATEST: Final = 0.3
"""The longest virtual seconds from a reply to its repetition."""


class _Program(Protocol):
    """One session of the foreign equipment."""

    factory: Any

    def connectionMade(self) -> None:
        self._rest = b""
        self.factory.open.append(self)

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.open.remove(self)

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if line.startswith(b"MOV,"):
                self.factory.cell.answer(self, int(line[4:]), self.factory.clock)

    def say(self, line: bytes) -> None:
        assert self.transport is not None
        self.transport.write(line + b"\r\n")


class QuietMover(Mover):
    """The same, with a silence after each reply, in which a repetition is noticed."""

    quiet = QUIET_FOR


class Talkative(Declared):
    """
    A host with a proxy, and equipment that says too much while the mood is rude.

    Nobody can close one window: a repeated reply that comes while another command is under way looks like
    its reply. Then the true reply can answer the next command, as long as commands follow each other
    without a pause, and ends the session when none is under way. So this cell excuses a wrong answer that
    is a repetition, or the true reply of a command that was answered wrongly, each once.

    A line that nobody asked for can take the place of a reply, too. If a fault then holds the true reply
    for longer than the silence that follows, it can answer the next command. That is excused as well, and
    only if it was held for so long.
    """

    name = "gauge"
    kind = Mover
    can_be_flooded = False
    one_session = False

    def __init__(
        self, network: Network, random: Random, mood: Mood, violated: Callable[[str], None]
    ) -> None:
        self._answered_at: OrderedDict[int, float] = OrderedDict()
        self._surplus: OrderedDict[int, None] = OrderedDict()
        self._displaced_at: OrderedDict[int, float] = OrderedDict()
        super().__init__(network, random, mood, violated)
        self.ledger.excused = self._is_in_window
        self.ledger.displaced = self._displaced

    def _displaced(self, number: int) -> None:
        self._note(self._displaced_at, number, self.network.clock.now)

    def _is_in_window(self, asked: int, answered: int) -> bool:
        """Return True if that reply was surplus or displaced, and has answered no other command yet."""
        if answered in self._surplus and self._may_be_late(answered):
            del self._surplus[answered]
        elif self.network.clock.now > self._displaced_at.get(answered, inf) + LONGEST_DOUBT:
            del self._displaced_at[answered]
        else:
            return False
        self._note(self._surplus, asked)
        return True

    def _may_be_late(self, answered: int) -> bool:
        """Return True if a repetition of this reply can have come after the declared silence."""
        return self.network.clock.now > self._answered_at[answered] + self.kind.quiet

    def start_equipment(self, machine: Machine) -> Any:
        factory: Any = Factory.forProtocol(_Program)
        factory.noisy, factory.cell, factory.clock, factory.open = False, self, machine.clock, []
        return _Foreign(self, machine, factory)

    def answer(self, session: _Program, number: int, clock: Any) -> None:
        """Carry out a command, and answer it once, twice, late or never, or say something else."""
        self.ledger.apply(number)
        reply = b"OK,%d" % number
        self._note(self._answered_at, number, self.network.clock.now)
        random = self.random
        kind = random.random() if self.mood.is_rude else 1.0
        if kind < 0.04:
            session.say(reply + b"\r\n" + reply)
            self._note(self._surplus, number)
        elif kind < 0.12:
            session.say(reply)
            clock.callLater(random.uniform(0.0, LATEST), self._repeat, session, number)
        elif kind < 0.16:
            clock.callLater(random.uniform(0.0, LATEST), session.say, reply)
        elif kind < 0.19:
            session.say(reply)
            clock.callLater(random.uniform(0.0, LATEST), session.say, b"HELLO")
        elif kind < 0.22:
            session.say(b"WARMING UP\r\n" + reply)
        elif kind >= 0.24:  # else the reply is lost
            session.say(reply)

    def _note(self, numbers: OrderedDict[int, Any], number: int, value: Any = None) -> None:
        numbers[number] = value
        if len(numbers) > REMEMBERED:
            numbers.popitem(last=False)

    def _repeat(self, session: _Program, number: int) -> None:
        self._note(self._surplus, number)
        session.say(b"OK,%d" % number)


class TalkativeButQuiet(Talkative):
    """
    The same with a declared silence, which is longer than a repetition takes.

    Only a repetition that a fault made late can answer another command.
    """

    name = "scale"
    kind = QuietMover
    most_at_once = 1  # the silence leaves time for two commands a second


class _Foreign:
    """The running program."""

    def __init__(self, cell: Talkative, machine: Machine, factory: Any) -> None:
        self._cell, self._factory = cell, factory
        self._port: Any = None
        machine.listening(PORT).listen(factory).addCallback(self._listening)

    def _listening(self, port: Any) -> None:
        self._port = port

    def emit(self) -> None:
        number = self._cell.next_event()
        for session in self._factory.open:
            session.say(b"ALM,%d" % number)

    def stop(self) -> Deferred[Any]:
        self._port.stopListening()
        for session in [*self._factory.open]:  # one that cannot send any more is lost at once
            session.transport.loseConnection()
        return succeed(None)


FOREIGN: Final = (Talkative, TalkativeButQuiet)
