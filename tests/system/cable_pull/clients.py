"""
Clients of the equipment, as programs: tcpcomm's link, and stock Twisted's two ways to reconnect.

Each sends a numbered command ten times a second while it believes to be connected, and at once when it is
connected again. It reports ``up`` and ``down``; tcpcomm also reports its other states. For each command it
reports ``sent``, ``answered`` and, if the client learns it, ``not sent`` or ``unknown``, with the command's
number. ``wrong`` is a reply to another command than the one that was sent.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, Final

from attrs import evolve
from twisted.application.internet import ClientService
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Factory, ReconnectingClientFactory, connectionDone
from twisted.internet.task import LoopingCall, deferLater
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from tcpcomm.errors import NotSent, OutcomeUnknown
from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.policy import PROFILES, Policy
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tests.system.programs import end_with_stdin, report

__all__ = ["CLIENTS", "POLICIES"]

reactor: Any = _reactor

INTERVAL: Final = 0.1
REPLY_TIMEOUT: Final = 5.0  # longer than the heartbeat's timeout, so that the heartbeat notices first
WORKERS: Final = 4
"""Workers that each have a command in progress, so that some wait for their turn when the link dies."""

POLICIES: Final[Mapping[str, Policy]] = {
    "lan": PROFILES["lan"],
    "0.2-0.6": evolve(PROFILES["lan"], connect_timeout=0.5, heartbeats=Heartbeats(0.2, 0.6)),
    "0.5-1.5": evolve(PROFILES["lan"], connect_timeout=1.0, heartbeats=Heartbeats(0.5, 1.5)),
    "fleet": PROFILES["fleet"],
    "wan": PROFILES["wan"],
}
"""Rules of a link for rough networks, by the name of the client that has them."""

BLOCKED: Final = 0.5
BLOCKED_EVERY: Final = 5.0


def tcpcomm_link(name: str, host: str, port: int, policy: Policy = PROFILES["lan"]) -> None:
    """Run tcpcomm's link, with the profile ``lan`` or another policy, and a heartbeat."""
    link = Link(
        connect=f"tcp:{host}:{port}",
        framing=Lines(),
        heartbeat=Heartbeat(b"PING", b"PONG"),
        policy=policy,
        on_ready=[lambda link: link.request(b"HELLO", timeout=1.0)],
    )
    numbers = count(1)

    def observe(state: LinkState, reason: str) -> None:
        report("up" if state is LinkState.READY else state.value, reason=reason)

    async def work() -> None:
        while True:
            await link.whenReady()
            number = next(numbers)
            report("sent", number=number)
            try:
                reply = await link.request(f"RUN {name} {number}".encode(), timeout=REPLY_TIMEOUT)
            except NotSent as error:
                report("not sent", number=number, reason=str(error))
            except OutcomeUnknown as error:
                report("unknown", number=number, reason=str(error))
            else:
                report("answered" if reply == f"DONE {name} {number}".encode() else "wrong", number=number)
                await deferLater(reactor, WORKERS * INTERVAL * random.uniform(0.5, 1.5))

    def begin() -> None:
        link.observe(observe)
        link.startService()
        for _ in range(WORKERS):
            Deferred.fromCoroutine(work()).addErrback(give_up)

    reactor.callWhenRunning(begin)


def tcpcomm_link_blocking(name: str, host: str, port: int) -> None:
    """Run tcpcomm's link in a program that blocks its reactor again and again."""
    tcpcomm_link(name, host, port)
    reactor.callWhenRunning(LoopingCall(time.sleep, BLOCKED).start, BLOCKED_EVERY)


class Commander(LineReceiver):
    """A stock Twisted connection that sends commands."""

    def __init__(self, name: str, numbers: count[int]) -> None:
        self._name = name
        self._numbers = numbers
        self._sending = LoopingCall(self._send)

    def connectionMade(self) -> None:
        report("up")
        self._sending.start(INTERVAL).addErrback(give_up)

    def _send(self) -> None:
        number = next(self._numbers)
        report("sent", number=number)
        self.sendLine(f"RUN {self._name} {number}".encode())  # type: ignore[no-untyped-call]

    def lineReceived(self, line: bytes) -> None:
        report("answered", number=int(line.rpartition(b" ")[2]))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        report("down", reason=reason.getErrorMessage())
        self._sending.stop()


def client_service(name: str, host: str, port: int) -> None:
    """Run Twisted's ``ClientService``, with its defaults."""
    numbers = count(1)

    class Commanders(Factory):
        noisy = False

        def buildProtocol(self, addr: object) -> Commander:
            return Commander(name, numbers)

    service = ClientService(clientFromString(reactor, f"tcp:{host}:{port}"), Commanders())
    reactor.callWhenRunning(service.startService)


def reconnecting_client_factory(name: str, host: str, port: int) -> None:
    """Run Twisted's ``ReconnectingClientFactory``, with its defaults."""
    numbers = count(1)

    class Commanders(ReconnectingClientFactory):
        noisy = False

        def buildProtocol(self, addr: object) -> Commander:
            self.resetDelay()  # type: ignore[no-untyped-call]
            return Commander(name, numbers)

    reactor.callWhenRunning(reactor.connectTCP, host, port, Commanders())


def give_up(failure: Failure) -> None:
    """End the program, because it has a bug."""
    report("failed", reason=failure.getTraceback())
    reactor.callWhenRunning(reactor.stop)


CLIENTS: Final[Mapping[str, Callable[[str, str, int], None]]] = {
    "tcpcomm": tcpcomm_link,
    "tcpcomm-blocking": tcpcomm_link_blocking,
    "clientservice": client_service,
    "reconnectingclientfactory": reconnecting_client_factory,
    **{name: partial(tcpcomm_link, policy=policy) for name, policy in POLICIES.items()},
}


def main(kind: str, host: str, port: str) -> None:
    """Run one client until standard input ends."""
    CLIENTS[kind](kind, host, int(port))
    end_with_stdin(reactor)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
