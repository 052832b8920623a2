"""
A network in memory, with virtual time, on which real protocols run and everything goes wrong on demand.

::

    network = Network(seed=1)
    camera, robot = network.machine("camera"), network.machine("robot")
    camera.listening(9999).listen(FrameFactory(Camera, clock=camera.clock))
    link = Link(connect=robot.connecting(camera, 9999), reactor=robot.clock, heartbeat=...)
    link.startService()
    network.advance(1.0)
    camera.pull()  # nobody notices yet
    network.advance(1.0)
    camera.plug()
    assert network.run_until(lambda: link.state is State.READY, within=30.0)

Nothing sleeps and nothing is shared with the operating system, so a thousand pulled cables take about a
second, and the same seed gives the same trace.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from tcpcomm.testing.network.clock import Timer, VirtualClock
from tcpcomm.testing.network.places import ClientEndpoint, Port, ServerEndpoint
from tcpcomm.testing.network.sockets import Socket

__all__ = ["Machine", "Network", "Program"]


class Network:
    """
    Machines that can reach each other, and the time that they live in.

    Args:
        seed: whatever is random comes from it.
        delay: seconds that bytes take at least and at most.
        cuts: how often what is sent arrives in other pieces: 0 never, 1 always.
        traced: whether :attr:`trace` is kept.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        delay: tuple[float, float] = (0.0001, 0.002),
        cuts: float = 0.1,
        traced: bool = False,
    ) -> None:
        self.random = Random(seed)
        self.clock = VirtualClock()
        self.machines: dict[str, Machine] = {}
        self.lost: dict[Socket, None] = {}
        """Sockets whose bytes are lost on the way, and will be sent again."""
        self.trace: list[tuple[float, str, str, object]] | None = [] if traced else None
        """What happened: when, what, where, and with what."""
        self._shortest, self._longest = delay
        self._slower = 0.0
        self._cuts = cuts
        self._ports = 49151

    def machine(self, name: str) -> Machine:
        """The machine of that name; a new one, at work and reachable, if there is none yet."""
        if name not in self.machines:
            self.machines[name] = Machine(self, name, f"10.0.0.{len(self.machines) + 1}")
        return self.machines[name]

    def advance(self, seconds: float) -> None:
        """Let time pass, event by event."""
        self.clock.advance(seconds)

    def run_until(self, condition: Callable[[], bool], within: float) -> bool:
        """Let time pass until something is true; false if it is not within so many seconds."""
        return self.clock.run_until(condition, within)

    def slow_down(self, delay: float) -> None:
        """Let everything take so much longer on the way; 0 to end that."""
        self._slower = delay
        self.note("slow down", "network", delay)

    def mend(self) -> None:
        """End every fault: plug the cables, wake and start the programs."""
        self.slow_down(0.0)
        for machine in self.machines.values():
            machine.mend()

    def note(self, what: str, where: str, detail: object = None) -> None:
        """Write something into the trace."""
        if self.trace is not None:
            self.trace.append((round(self.clock.now, 9), what, where, detail))

    def transit(self) -> float:
        """How long the next bytes take."""
        shortest = self._shortest
        return self._slower + shortest + (self._longest - shortest) * self.random.random()

    def later(self, function: Callable[[], None]) -> None:
        """Have something happen at the far end of the way."""
        self.clock.schedule(None, self.transit(), function)

    def cut(self, size: int) -> int:
        """How many of so many bytes arrive together."""
        if self._cuts and size > 1 and self.random.random() < self._cuts:
            return self.random.randrange(1, size)
        return size

    def ephemeral_port(self) -> int:
        """A port number for the next connection."""
        self._ports += 1
        return self._ports


@implementer(IReactorTime)
class Program:
    """
    One run of a machine's program, and the clock it sees: its timers fire late when it hung, never when
    it died.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.alive = True
        self.hung = False
        self.postponed: list[Timer] = []
        self._world = machine.network.clock

    def seconds(self) -> float:
        return self._world.now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Timer:
        return self._world.schedule(self, delay, partial(callable, *args, **kw) if args or kw else callable)

    def getDelayedCalls(self) -> list[Any]:
        return [timer for timer in self._world.getDelayedCalls() if getattr(timer, "owner", None) is self]


class Machine:
    """
    A computer with one network cable and one program.

    Attributes:
        boot: starts its program, when the machine is started again after :meth:`crash` or :meth:`kill`;
            it gets the machine. The program of the first time is whatever uses :attr:`clock`,
            :meth:`listening` and :meth:`connecting`.
    """

    def __init__(self, network: Network, name: str, address: str) -> None:
        self.network = network
        self.name = name
        self.address = address
        self.boot: Callable[[Machine], object] | None = None
        self.program = Program(self)
        self.ports: dict[int, Port] = {}
        self.sockets: dict[Socket, None] = {}
        """The connections of its program."""
        self.attempts: dict[object, None] = {}
        """The attempts to connect that its program makes."""
        self.is_hearing = True
        """Whether what is sent to it arrives."""
        self.is_speaking = True
        """Whether what it sends arrives."""
        self._powered = True
        self._plugged = True
        self._deaf = False
        self._mute = False

    # -- what its program uses ------------------------------------------------------------------------

    @property
    def clock(self) -> Program:
        """The time as its program sees it, to be used as its reactor's."""
        return self.program

    def listening(self, port: int) -> ServerEndpoint:
        """An endpoint to listen at, on this machine."""
        return ServerEndpoint(self.program, port)

    def connecting(self, other: Machine, port: int, *, timeout: float = 30.0) -> ClientEndpoint:
        """An endpoint that connects from this machine to another."""
        return ClientEndpoint(self.program, other, port, timeout)

    @property
    def timers(self) -> list[Any]:
        """The timers that its program has set."""
        return self.program.getDelayedCalls()

    # -- the cable ------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Pull its cable: what is sent either way is lost, and no one is told."""
        self._plugged = False
        self._changed("pull")

    def plug(self) -> None:
        """Plug its cable in: what was lost is sent again, when the kernels think it is time."""
        self._plugged = True
        self._changed("plug")

    def blip(self, seconds: float) -> None:
        """Pull its cable for a moment."""
        self.pull()
        self.network.clock.callLater(seconds, self.plug)

    def deafen(self, deaf: bool = True) -> None:
        """Have it hear nothing, but be heard."""
        self._deaf = deaf
        self._changed("deafen" if deaf else "hear again")

    def mute(self, mute: bool = True) -> None:
        """Have nothing that it sends arrive."""
        self._mute = mute
        self._changed("mute" if mute else "speak again")

    # -- its connections ------------------------------------------------------------------------------

    def reset(self) -> None:
        """Have something on the way reset its connections: both sides are told at once."""
        self.network.note("reset", self.name)
        for socket in list(self.sockets):
            socket.reset_from_outside()
            socket.peer.reset_from_outside()

    def finish(self) -> None:
        """Have something on the way end the streams that come from it: its peers see an orderly end."""
        self.network.note("finish", self.name)
        for socket in list(self.sockets):
            socket.end_from_outside()

    def connect_again(self, seconds: float = 0.5) -> None:
        """Have it connect once more to where it is connected to, and say nothing there for a while."""
        clock = self.clock

        class Silent(Protocol):
            def connectionMade(self) -> None:
                clock.callLater(seconds, cast("Any", self.transport).abortConnection)

        for socket in list(self.sockets):
            place = socket.getPeer()
            other = next(each for each in self.network.machines.values() if each.address == place.host)
            if place.port in other.ports:
                self.network.note("connect again", self.name)
                factory = Factory.forProtocol(Silent)
                factory.noisy = False
                attempt = self.connecting(other, place.port, timeout=seconds).connect(factory)
                attempt.addErrback(lambda _: None)  # then it is a fault that did not happen
                return

    # -- its program ----------------------------------------------------------------------------------

    def hang(self) -> None:
        """Suspend its program: the kernel goes on to acknowledge, and to accept connections for it."""
        self.program.hung = True
        self.network.note("hang", self.name)

    def wake(self) -> None:
        """Let its program go on: first with the timers that are late, then with what came meanwhile."""
        program = self.program
        if program.hung:
            program.hung = False
            self.network.note("wake", self.name)
            world = self.network.clock
            postponed, program.postponed = program.postponed, []
            for timer in postponed:
                if timer.time is not None:
                    world.push(timer, max(world.now, timer.time))
            for socket in list(self.sockets):
                socket.awake()

    def stall(self, seconds: float) -> None:
        """Suspend its program for a while."""
        self.hang()
        self.network.clock.callLater(seconds, self.wake)

    def kill(self) -> None:
        """End its program at once: the kernel closes its connections."""
        self._end_program()
        self.network.note("kill", self.name)
        for socket in list(self.sockets):
            socket.close()
        self._forget()

    def crash(self) -> None:
        """Take its power away: its connections vanish, and nobody is told."""
        self._end_program()
        for socket in list(self.sockets):
            socket.vanish()
        self._forget()
        self._powered = False
        self._changed("crash")

    def start(self) -> None:
        """Start the machine, and its program by :attr:`boot`, after :meth:`crash` or :meth:`kill`."""
        if not self.program.alive:
            self._powered = True
            self.program = Program(self)
            self._changed("start")
            if self.boot is not None:
                self.boot(self)

    def mend(self) -> None:
        """End every fault of this machine."""
        self._plugged, self._deaf, self._mute = True, False, False
        self._changed("mend")
        self.wake()
        self.start()

    def _end_program(self) -> None:
        self.program.alive = False
        self.program.postponed.clear()

    def _forget(self) -> None:
        self.sockets.clear()
        self.attempts.clear()
        self.ports.clear()

    def _changed(self, what: str) -> None:
        network = self.network
        reachable = self._powered and self._plugged
        self.is_hearing = reachable and not self._deaf
        self.is_speaking = reachable and not self._mute
        network.note(what, self.name)
        for socket in list(network.lost):
            if socket.machine.is_speaking and socket.peer.machine.is_hearing:
                del network.lost[socket]
                socket.send_again()

    def __repr__(self) -> str:
        return f"<Machine {self.name}>"
