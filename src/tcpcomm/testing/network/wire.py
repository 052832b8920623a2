"""
A network in memory with virtual time, on which real protocols run and faults are made on demand.

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
    assert network.run_until(lambda: link.state is LinkState.READY, within=30.0)

Nothing sleeps, and nothing uses the operating system. So a test with a thousand pulled cables takes about a
second, and the same seed gives the same trace.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.protocol import Factory, Protocol

from tcpcomm.net.named_endpoint import NamedEndpoint
from tcpcomm.net.names import Names
from tcpcomm.testing.network.clock import Program, Timer
from tcpcomm.testing.network.endpoints import ClientEndpoint, Port, ServerEndpoint
from tcpcomm.testing.network.sockets import BaseMachine, BaseNetwork, Socket


class Network(BaseNetwork):
    """
    Machines that can reach each other, and their clock.

    Args:
        seed: the seed of all random values.
        delay: the shortest and the longest time that bytes need, in seconds.
        cuts: the probability, from 0 to 1, that sent bytes arrive in other chunks.
        traced: whether :attr:`trace` is recorded.
    """

    machines: dict[str, Machine]

    def machine(self, name: str) -> Machine:
        """Return the machine with this name. Make a new one if it does not exist."""
        if name not in self.machines:
            self.machines[name] = Machine(self, name, f"10.0.0.{len(self.machines) + 1}")
        return self.machines[name]

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, event by event."""
        self.clock.advance(seconds)

    def run_until(self, condition: Callable[[], bool], within: float) -> bool:
        """Let time pass until a condition is true. Return False if ``within`` seconds are not enough."""
        return self.clock.run_until(condition, within)

    def at_address(self, address: str) -> Machine:
        """Return the machine that has this address, or one that is not there."""
        for machine in self.machines.values():
            if machine.address == address:
                return machine
        nobody = Machine(self, f"nobody at {address}", address)
        nobody.is_hearing = nobody.is_speaking = False
        return nobody

    def mend(self) -> None:
        """End every fault: plug the cables, resume and start the programs, revive the name server."""
        self.slow_down(0.0)
        self.name_server.revive()
        for machine in self.machines.values():
            machine.mend()


class Machine(BaseMachine):
    """
    A computer with one network cable and one program.

    Its first program is the code that uses :attr:`clock`, :meth:`listening` and :meth:`connecting`.
    """

    network: Network
    ports: dict[int, Port]

    def __init__(self, network: Network, name: str, address: str) -> None:
        super().__init__(network, name, address)
        self.boot: Callable[[Machine], object] | None = None
        """Starts the program again after :meth:`crash` or :meth:`kill`."""
        self._names: dict[Program, Names] = {}  # of the program that runs
        self._powered = True
        self._plugged = True
        self._deaf = False
        self._mute = False

    @property
    def clock(self) -> Program:
        """The clock of the program. Use it as its reactor."""
        return self.program

    def listening(self, port: int) -> ServerEndpoint:
        """Return an endpoint to listen at a port of this machine."""
        return ServerEndpoint(self, self.program, port)

    def connecting(self, other: Machine, port: int, *, timeout: float = 30.0) -> ClientEndpoint:
        """Return an endpoint that connects from this machine to another one."""
        return ClientEndpoint(self, self.program, other, port, timeout)

    def connecting_by_name(self, name: str, port: int, *, timeout: float = 30.0) -> NamedEndpoint:
        """Return an endpoint that first asks the network's name server where the other machine is."""
        program, network = self.program, self.network
        names = self._names.get(program)
        if names is None:
            names = Names(program, network.name_server.for_program(program))
            self._names = {program: names}

        def at(address: str) -> ClientEndpoint:
            return ClientEndpoint(self, program, network.at_address(address), port, timeout)

        return NamedEndpoint(name, at, names=names, clock=program)

    @property
    def timers(self) -> list[Timer]:
        """The timers that the program has set."""
        return self.program.getDelayedCalls()

    def pull(self) -> None:
        """Pull its cable. Bytes in both directions are lost, and neither program is informed."""
        self._plugged = False
        self._changed("pull")

    def plug(self) -> None:
        """Plug its cable in. The kernels send lost bytes again at their next attempt."""
        self._plugged = True
        self._changed("plug")

    def blip(self, seconds: float) -> None:
        """Pull its cable for ``seconds``."""
        self.pull()
        self.network.clock.callLater(seconds, self.plug)

    def deafen(self, deaf: bool = True) -> None:
        """Lose all bytes that are sent to this machine, or no longer if ``deaf`` is false."""
        self._deaf = deaf
        self._changed("deafen" if deaf else "hear again")

    def mute(self, mute: bool = True) -> None:
        """Lose all bytes that this machine sends, or no longer if ``mute`` is false."""
        self._mute = mute
        self._changed("mute" if mute else "speak again")

    def reset(self) -> None:
        """Reset its connections, as a device on the path could. Both sides notice it at once."""
        self.network.note("reset", self.name)
        for socket in list(self.sockets):
            socket.reset_from_outside()
            socket.peer.reset_from_outside()

    def finish(self) -> None:
        """End its outgoing streams, as a device on the path could. Its peers see an orderly end."""
        self.network.note("finish", self.name)
        for socket in list(self.sockets):
            socket.end_from_outside()

    def repeat(self, after: float = 0.0) -> None:
        """
        Send the next bytes that its program writes twice, the second time after ``after`` seconds.

        The bytes are those of one write: equipment that answers one command at a time says one reply twice.
        """
        self.repeats_after = after
        self.network.note("repeat", self.name, after)

    def insert(self, data: bytes) -> None:
        """Send bytes on its connections that its program did not write, such as a line nobody asked for."""
        self.network.note("insert", self.name, data)
        for socket in list(self.sockets):
            socket.write(data)

    def connect_again(self, seconds: float = 0.5) -> None:
        """Open a second connection to the same port, and send nothing on it for ``seconds``."""
        for socket in list(self.sockets):
            peer = socket.getPeer()
            other = next(each for each in self.network.machines.values() if each.address == peer.host)
            if peer.port in other.ports:
                self.network.note("connect again", self.name)
                factory = Factory.forProtocol(Protocol)
                factory.noisy = False
                self.connecting(other, peer.port, timeout=seconds).connect(factory).addCallbacks(
                    lambda silent: self.clock.callLater(seconds, silent.transport.abortConnection),
                    lambda _: None,  # then this fault did not happen
                )
                return

    def hang(self) -> None:
        """Suspend its program. The kernel still acknowledges data and accepts connections."""
        self.program.hung = True
        self.network.note("hang", self.name)

    def wake(self) -> None:
        """Resume its program: first call the late timers, then read the bytes that arrived."""
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
                socket.resume()

    def stall(self, seconds: float) -> None:
        """Suspend its program for ``seconds``."""
        self.hang()
        self.network.clock.callLater(seconds, self.wake)

    def kill(self) -> None:
        """End its program at once. The kernel closes the connections."""
        self._end_program()
        self.network.note("kill", self.name)
        self._remove_sockets(Socket.close)

    def crash(self) -> None:
        """Cut its power. The connections disappear, and no peer is informed."""
        self._end_program()
        self._remove_sockets(Socket.vanish)
        self._powered = False
        self._changed("crash")

    def start(self) -> None:
        """Start the machine after :meth:`crash` or :meth:`kill`. Its program starts with :attr:`boot`."""
        if not self.program.alive:
            self._powered = True
            self.program = Program(self.network.clock)
            self._changed("start")
            if self.boot is not None:
                self.boot(self)

    def mend(self) -> None:
        """End every fault of this machine."""
        self._plugged, self._deaf, self._mute = True, False, False
        self.repeats_after = None
        self._changed("mend")
        self.wake()
        self.start()

    def _end_program(self) -> None:
        self.program.alive = False
        self.program.postponed.clear()

    def _remove_sockets(self, remove: Callable[[Socket], None]) -> None:
        for socket in list(self.sockets):
            remove(socket)
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
                socket.retransmit()

    def __repr__(self) -> str:
        return f"<Machine {self.name}>"
