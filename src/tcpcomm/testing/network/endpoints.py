"""The ports and endpoints with which a program of the simulated network listens and connects."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import (
    CannotListenError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    NoProtocol,
    TimeoutError,
)
from twisted.internet.interfaces import IListeningPort, IStreamClientEndpoint, IStreamServerEndpoint
from zope.interface import implementer

from tcpcomm.testing.network.clock import Timer
from tcpcomm.testing.network.interfaces import AnyMachine, AnyProgram
from tcpcomm.testing.network.sockets import Socket

_CONNECT_RETRY_DELAY: Final = 1.0
"""The seconds until the kernel repeats an unanswered connect. It doubles after each attempt."""


@implementer(IListeningPort)
class Port:
    """A port at which a program listens."""

    def __init__(self, program: AnyProgram, number: int, factory: Any) -> None:
        self.program = program
        self.number = number
        self.factory = factory

    def startListening(self) -> None:
        ports = self.program.machine.ports
        if self.number in ports:
            raise CannotListenError(self.program.machine.address, self.number, OSError("address in use"))
        ports[self.number] = self
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        if self.program.machine.ports.get(self.number) is self:
            del self.program.machine.ports[self.number]
            self.factory.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", self.program.machine.address, self.number)

    def accept(self, socket: Socket) -> None:
        """Let the program accept a connection from the backlog."""
        if not socket.open:
            return
        if self.program.machine.ports.get(self.number) is not self:
            socket.close(reset=True)
        else:
            protocol = self.factory.buildProtocol(socket.getPeer())
            if protocol is None:
                socket.close(reset=True)
            else:
                socket.attach(protocol)


@implementer(IStreamServerEndpoint)
class ServerEndpoint:
    """An endpoint at which a program can listen."""

    def __init__(self, program: AnyProgram, number: int) -> None:
        self._program = program
        self._number = number

    def listen(self, protocolFactory: Any) -> Deferred[IListeningPort]:
        port = Port(self._program, self._number, protocolFactory)
        try:
            port.startListening()
        except CannotListenError:
            return fail()
        return succeed(port)


@implementer(IStreamClientEndpoint)
class ClientEndpoint:
    """An endpoint from which a program can connect to another machine."""

    def __init__(self, program: AnyProgram, other: AnyMachine, number: int, timeout: float) -> None:
        self._program = program
        self._other = other
        self._number = number
        self._timeout = timeout

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        attempt = _Attempt(self._program, self._other, self._number, protocolFactory)
        return attempt.begin(self._timeout)


class _Attempt:
    """One attempt to connect."""

    def __init__(self, program: AnyProgram, other: AnyMachine, number: int, factory: Any) -> None:
        self._program = program
        self._machine = program.machine
        self._other = other
        self._number = number
        self._factory = factory
        self._network = program.machine.network
        self._result: Deferred[Any] = Deferred(self._cancelled)
        self._socket: Socket | None = None
        self._retry_delay = _CONNECT_RETRY_DELAY
        self._finished = False
        self._timeout: Timer

    def begin(self, timeout: float) -> Deferred[Any]:
        if not self._program.alive:
            return self._result  # nobody waits for the result of a dead program
        self._machine.attempts[self] = None
        self._factory.doStart()
        self._timeout = self._network.clock.schedule(
            self._program, timeout, partial(self._fail, TimeoutError())
        )
        self._network.later(self._request_arrived)
        return self._result

    def _request_arrived(self) -> None:
        """Let the other machine answer the connect, unless the request is lost."""
        if self._finished or not self._program.alive:
            return
        if not self._reaches():
            self._repeat()
        elif self._number in self._other.ports:
            self._network.later(self._answer_arrived)
        else:
            self._network.clock.schedule(
                self._program, self._network.transit(), partial(self._fail, ConnectionRefusedError())
            )

    def _answer_arrived(self) -> None:
        """Make the two sockets, unless the answer is lost."""
        if self._finished or not self._program.alive:
            return
        port = self._other.ports.get(self._number)
        if port is None or not (self._other.is_speaking and self._machine.is_hearing):
            self._repeat()
            return
        here = IPv4Address("TCP", self._machine.address, self._network.ephemeral_port())
        there = IPv4Address("TCP", self._other.address, self._number)
        name = f"{self._machine.name}:{here.port}"
        near = self._socket = Socket(self._program, here, there, f"{name}>")
        far = Socket(port.program, there, here, f"{name}<")
        near.peer, far.peer = far, near
        self._machine.sockets[near] = self._other.sockets[far] = None
        clock = self._network.clock
        clock.schedule(self._program, 0.0, partial(self._connected, near))
        clock.schedule(port.program, self._network.transit(), partial(port.accept, far))

    def _connected(self, socket: Socket) -> None:
        """Report the connection to the program."""
        if self._finished:
            return
        self._end()
        protocol = self._factory.buildProtocol(socket.getPeer())
        if protocol is None:
            socket.close(reset=True)
            self._factory.doStop()
            self._result.errback(NoProtocol("the factory built no protocol"))
            return
        socket.factory = self._factory
        socket.attach(protocol)
        self._result.callback(protocol)

    def _repeat(self) -> None:
        self._network.clock.schedule(None, self._retry_delay, self._request_arrived)
        self._retry_delay *= 2.0

    def _reaches(self) -> bool:
        return self._machine.is_speaking and self._other.is_hearing

    def _end(self) -> None:
        self._finished = True
        self._machine.attempts.pop(self, None)
        if self._timeout.active():
            self._timeout.cancel()

    def _fail(self, error: Exception) -> None:
        if not self._finished:
            self._end()
            if self._socket is not None:
                self._socket.close(reset=True)
            self._factory.doStop()
            self._result.errback(error)

    def _cancelled(self, _: Deferred[Any]) -> None:
        self._fail(ConnectingCancelledError(IPv4Address("TCP", self._other.address, self._number)))
