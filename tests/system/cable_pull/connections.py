"""
Connections of stock Twisted, with all that TCP offers against dead peers, and of tcpcomm; as programs.

``serve`` answers each line with itself and uses no such options, so that only the client's count. ``hold``
makes one connection of each kind, and reports ``up`` and ``lost``, with the connection's kind.
``heartbeats`` holds many idle links, and reports when they are ``all up``.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, cast

from attrs import field, frozen
from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from tcpcomm.errors import NotSent, OutcomeUnknown
from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat
from tests.system.programs import end_with_stdin, report

__all__ = ["KINDS", "LINKS"]

reactor: Any = _reactor


@frozen
class Kind:
    """A kind of connection, with its means to notice a dead peer."""

    title: str
    writes_every: float | None = None
    options: Mapping[int, int] = field(factory=dict)
    """Options of TCP."""


_KEEPALIVE: Final = {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
_USER_TIMEOUT: Final = {"TCP_USER_TIMEOUT": 500}


def _options(*settings: Mapping[str, int]) -> dict[int, int]:
    return {
        getattr(socket, name): value
        for each in settings
        for name, value in each.items()
        if hasattr(socket, name)
    }


HEARTBEAT: Final = "heartbeat"
LINK: Final = "link, idle"
LINK_SENDING: Final = "link, sending"
LINK_ASKING: Final = "link, asking"

KINDS: Final[Mapping[str, Kind]] = {
    "idle": Kind("stock Twisted, nothing is sent"),
    "writing": Kind("stock Twisted, a line is sent ten times a second", 0.1),
    "keepalive": Kind("`SO_KEEPALIVE`, idle 1 s, interval 1 s, count 3", None, _options(_KEEPALIVE)),
    "keepalive, writing": Kind("both", 0.1, _options(_KEEPALIVE)),
    "user timeout, writing": Kind("`TCP_USER_TIMEOUT` of 500 ms", 0.1, _options(_USER_TIMEOUT)),
    "keepalive, user timeout": Kind("both, nothing is sent", None, _options(_KEEPALIVE, _USER_TIMEOUT)),
    HEARTBEAT: Kind("tcpcomm's link with the profile `lan`: every 100 ms, dead after 300 ms"),
    LINK: Kind("tcpcomm's link without a heartbeat, nothing is sent"),
    LINK_SENDING: Kind("the same, a line that needs no reply is sent once a second"),
    LINK_ASKING: Kind("the same, a request with a timeout of 2 s is made once a second"),
}


LINKS: Final = (LINK, LINK_SENDING, LINK_ASKING)
"""The kinds of tcpcomm without a heartbeat."""


class Echo(LineReceiver):
    """A peer that answers each line with itself."""

    def lineReceived(self, line: bytes) -> None:
        self.sendLine({b"PING": b"PONG"}.get(line, line))  # type: ignore[no-untyped-call]


class Held(Protocol):
    """A connection that reports when it is lost."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._kind = KINDS[name]
        self._writing = LoopingCall(self._write)

    def connectionMade(self) -> None:
        transport = cast("Any", self.transport)
        for option, value in self._kind.options.items():
            transport.getHandle().setsockopt(socket.IPPROTO_TCP, option, value)
        if "keepalive" in self._name:
            transport.setTcpKeepAlive(True)
        if self._kind.writes_every is not None:
            self._writing.start(self._kind.writes_every).addErrback(give_up)
        report("up", connection=self._name)

    def _write(self) -> None:
        cast("Any", self.transport).write(b"ARE YOU THERE?\r\n")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._writing.running:
            self._writing.stop()
        report("lost", connection=self._name, reason=reason.getErrorMessage())


def hold_link(name: str, host: str, port: int) -> None:
    """Hold tcpcomm's link until it is down for the first time."""
    heartbeat = Heartbeat(b"PING", b"PONG") if name == HEARTBEAT else None
    link = Link(
        connect=f"tcp:{host}:{port}",
        framing=Lines(),
        heartbeat=heartbeat,
        policy="lan",
        received=lambda frame: None,
    )
    was_ready = False
    acts = {LINK_SENDING: lambda: link.send(b"HELLO"), LINK_ASKING: lambda: ask(link)}
    acting = LoopingCall(acts.get(name, lambda: None))

    def observe(state: LinkState, reason: str) -> None:
        nonlocal was_ready
        if state is LinkState.READY and not was_ready:
            was_ready = True
            report("up", connection=name)
            acting.start(1.0).addErrback(give_up)
        elif state is LinkState.DOWN and was_ready:
            report("lost", connection=name, reason=reason)
            acting.stop()
            end()
            link.stopService()

    def ask(link: Link) -> None:
        # The state of the link already reports the result of the request.
        link.request(b"HELLO", timeout=2.0).addErrback(
            lambda failure: failure.trap(OutcomeUnknown, NotSent)
        )

    end = link.observe(observe)
    link.startService()


def hold(host: str, port: int, names: list[str]) -> None:
    """Make one connection of each kind."""
    for name in names:
        if name in (HEARTBEAT, *LINKS):
            hold_link(name, host, port)
        else:
            factory = Factory.forProtocol(partial(Held, name))
            factory.noisy = False
            TCP4ClientEndpoint(reactor, host, port).connect(factory).addErrback(give_up)


def hold_heartbeats(host: str, port: int, policy: str, count: int) -> None:
    """Hold this many links of a profile that send only heartbeats."""

    def observe(state: LinkState, reason: str) -> None:
        if state is LinkState.DOWN:
            report("lost", reason=reason)
        elif all(link.state is LinkState.READY for link in links):
            report("all up")

    links = [
        Link(connect=f"tcp:{host}:{port}", heartbeat=Heartbeat(b"PING", b"PONG"), policy=policy)
        for _ in range(count)
    ]
    for link in links:
        link.observe(observe)
        link.startService()


def serve(port: int) -> None:
    """Listen on a port."""
    factory = Factory.forProtocol(Echo)
    factory.noisy = False
    reactor.listenTCP(port, factory)
    report("listening")


def give_up(failure: Failure) -> None:
    """End the program, because it has a bug."""
    report("failed", reason=failure.getTraceback())
    reactor.stop()


def main(role: str, *arguments: str) -> None:
    """Play a role until standard input ends."""
    if role == "serve":
        reactor.callWhenRunning(serve, int(arguments[0]))
    elif role == "heartbeats":
        host, port, policy, count = arguments
        reactor.callWhenRunning(hold_heartbeats, host, int(port), policy, int(count))
    else:
        host, port, *names = arguments
        reactor.callWhenRunning(hold, host, int(port), names)
    end_with_stdin(reactor)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
