"""The way from the server's thread back into the reactor: :class:`ReactorWatcher`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from tcpcomm.errors import TcpcommError
from tcpcomm.plant.opcua.server_thread import CallResult, Settle, Watcher
from tcpcomm.plant.opcua.status_codes import status_of
from tcpcomm.plant.sink import BrokerCommand
from tcpcomm.runtime.bounded_logger import BoundedLogger


class ReactorWatcher(Watcher):
    """
    Calls functions in the reactor's thread.

    Args:
        reactor: the reactor.
        call: carries out a command.
        listening: called with the port when clients can connect.
        failed: called with the reason why they cannot.
        warn: called with a text for the log.
    """

    log = BoundedLogger()

    def __init__(
        self,
        reactor: Any,
        call: Callable[[BrokerCommand], Deferred[Any]],
        listening: Callable[[int], None],
        failed: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._in_reactor = reactor.callFromThread
        self._call = call
        self._listening = listening
        self._failed = failed
        self._warn = warn
        self.ended_in_reactor: Deferred[None] = Deferred()
        """Fires when the thread has ended."""

    def call(self, command: BrokerCommand, settle: Settle) -> None:
        self._in_reactor(self._carry_out, command, settle)

    def _carry_out(self, command: BrokerCommand, settle: Settle) -> None:
        done = maybeDeferred(self._call, command)
        done.addCallbacks(
            lambda result: settle(CallResult(status_of(None), result)),
            self._settle_failure,
            errbackArgs=(command, settle),
        )

    def _settle_failure(self, failure: Any, command: BrokerCommand, settle: Settle) -> None:
        if not failure.check(TcpcommError):
            self.log.failure(
                "OPC UA: the method {command} of {link} failed",
                failure,
                command=command.command,
                link=command.link,
            )
        settle(CallResult(status_of(failure.value)))

    def listening(self, port: int) -> None:
        self._in_reactor(self._listening, port)

    def failed(self, problem: str) -> None:
        self._in_reactor(self._failed, problem)

    def warn(self, text: str) -> None:
        self._in_reactor(self._warn, text)

    def ended(self) -> None:
        self._in_reactor(self._end)

    def _end(self) -> None:
        if not self.ended_in_reactor.called:
            self.ended_in_reactor.callback(None)
