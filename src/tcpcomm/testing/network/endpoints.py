"""The ports and endpoints with which a program of the simulated network listens and connects."""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.error import (
    CannotListenError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    NoProtocol,
    TimeoutError,
)
from twisted.internet.interfaces import IListeningPort, IStreamClientEndpoint, IStreamServerEndpoint
from zope.interface import implementer

from tcpcomm.testing.network.clock import Program
from tcpcomm.testing.network.sockets import BaseMachine, Socket

_CONNECT_RETRY_DELAY: Final = 1.0
"""The seconds until the kernel repeats an unanswered connect. It doubles after each attempt."""


@implementer(IListeningPort)
@frozen(eq=False)
class Port:
    """A port at which a program listens."""

    machine: BaseMachine
    program: Program
    number: int
    factory: Any

    def startListening(self) -> None:
        ports = self.machine.ports
        if self.number in ports:
            raise CannotListenError(self.machine.address, self.number, OSError("address in use"))
        ports[self.number] = self
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        if self.machine.ports.get(self.number) is self:
            del self.machine.ports[self.number]
            self.factory.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", self.machine.address, self.number)

    def accept(self, socket: Socket) -> None:
        """Let the program accept a connection from the backlog."""
        if not socket.open:
            return
        if self.machine.ports.get(self.number) is not self:
            socket.close(reset=True)
            return
        protocol = self.factory.buildProtocol(socket.getPeer())
        if protocol is None:
            socket.close(reset=True)
        else:
            socket.attach(protocol)


@implementer(IStreamServerEndpoint)
@frozen(eq=False)
class ServerEndpoint:
    """An endpoint at which a program can listen."""

    _machine: BaseMachine
    _program: Program
    _number: int

    def listen(self, protocolFactory: Any) -> Deferred[IListeningPort]:
        port = Port(self._machine, self._program, self._number, protocolFactory)
        return execute(port.startListening).addCallback(lambda _: port)


@implementer(IStreamClientEndpoint)
@frozen(eq=False)
class ClientEndpoint:
    """An endpoint from which a program can connect to another machine."""

    machine: BaseMachine
    program: Program
    other: BaseMachine
    number: int
    timeout: float

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        if not self.program.alive:
            return Deferred()  # a dead program waits for nothing
        return _Attempt(self, protocolFactory).result


class _Attempt:
    """One attempt to connect."""

    def __init__(self, endpoint: ClientEndpoint, factory: Any) -> None:
        self._program = endpoint.program
        self._machine = endpoint.machine
        self._other = endpoint.other
        self._target = IPv4Address("TCP", endpoint.other.address, endpoint.number)
        self._factory = factory
        self._network = endpoint.machine.network
        self.result: Deferred[Any] = Deferred(self._cancelled)
        self._socket: Socket | None = None
        self._retry_delay = _CONNECT_RETRY_DELAY
        self._finished = False
        self._machine.attempts[self] = None
        self._factory.doStart()
        self._timeout = self._program.callLater(endpoint.timeout, self._fail, TimeoutError())
        self._network.later(self._request_arrived)

    def _request_arrived(self) -> None:
        if self._finished or not self._program.alive:
            return
        if not (self._machine.is_speaking and self._other.is_hearing):
            self._repeat()
        elif self._target.port in self._other.ports:
            self._network.later(self._answer_arrived)
        else:
            self._program.callLater(self._network.transit(), self._fail, ConnectionRefusedError())

    def _answer_arrived(self) -> None:
        if self._finished or not self._program.alive:
            return
        port = self._other.ports.get(self._target.port)
        if port is None or not (self._other.is_speaking and self._machine.is_hearing):
            self._repeat()
            return
        here = IPv4Address("TCP", self._machine.address, self._network.ephemeral_port())
        name = f"{self._machine.name}:{here.port}"
        near = self._socket = Socket(self._machine, self._program, here, self._target, f"{name}>")
        far = Socket(self._other, port.program, self._target, here, f"{name}<")
        near.peer, far.peer = far, near
        self._machine.sockets[near] = self._other.sockets[far] = None
        self._program.callLater(0.0, self._connected, near)
        port.program.callLater(self._network.transit(), port.accept, far)

    def _connected(self, socket: Socket) -> None:
        if self._finished:
            return
        self._end()
        protocol = self._factory.buildProtocol(socket.getPeer())
        if protocol is None:
            socket.close(reset=True)
            self._factory.doStop()
            self.result.errback(NoProtocol("the factory built no protocol"))
            return
        socket.factory = self._factory
        socket.attach(protocol)
        self.result.callback(protocol)

    def _repeat(self) -> None:
        self._network.clock.callLater(self._retry_delay, self._request_arrived)
        self._retry_delay *= 2.0

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
            self.result.errback(error)

    def _cancelled(self, _: Deferred[Any]) -> None:
        self._fail(ConnectingCancelledError(self._target))
