"""A connection that is made again whenever it ends: :class:`KeptSession`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pika.exceptions import AMQPError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.task import deferLater

from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler
from tcpcomm.plant.sinks.rabbitmq.refusals import reason_text, refusal_text
from tcpcomm.runtime.bounded_logger import BoundedLogger

FIRST_RETRY: Final = 0.5
"""Seconds between the end of a connection and the next attempt. They double with each failure."""

LONGEST_RETRY: Final = 5.0
"""Seconds between two attempts, at most. The waits double up to this."""


class KeptSession:
    """
    Keep one connection to a broker in use.

    Args:
        dialler: connects.
        use: is called with each new connection, and returns or fails when the connection has ended.
        reactor: runs the timers.

    Attributes:
        problem: the reason why there is no connection, or what ``use`` tells; empty while all is well.
    """

    log = BoundedLogger()

    def __init__(
        self, dialler: Dialler, use: Callable[[BrokerSession], Awaitable[None]], reactor: Any
    ) -> None:
        self.problem = ""
        self._dialler = dialler
        self._use = use
        self._reactor = reactor
        self._session: BrokerSession | None = None
        self._running: Deferred[None] | None = None
        self._is_wanted = False

    def start(self) -> None:
        """Connect for the first time."""
        if self._running is None:
            self._is_wanted = True
            self._running = Deferred.fromCoroutine(self._run())
            self._running.addErrback(lambda failure: failure.trap(CancelledError) and None)
            self._running.addErrback(self._failed)

    async def stop(self) -> None:
        """Close the connection in an orderly way, within 2 s."""
        self._is_wanted = False
        running, self._running = self._running, None
        session, self._session = self._session, None
        if session is not None:
            await session.finish()
        if running is not None:
            running.cancel()

    def tell(self, problem: str) -> None:
        """Set the problem, and log it if it is new."""
        if problem and problem != self.problem:
            self.log.warn("{purpose}: {problem}", purpose=self._dialler.purpose, problem=problem)
        self.problem = problem

    async def _run(self) -> None:
        pause = FIRST_RETRY
        while True:
            try:
                session, _ = await self._dialler.connect(_nothing)
            except SinkUnavailable as unavailable:
                self.tell(str(unavailable))
            else:
                self._session = session
                self.tell("")
                began = self._reactor.seconds()
                problem = await self._used(session)
                if not self._is_wanted:
                    return  # the end was asked for: it is no problem
                self.tell(problem)
                if self._reactor.seconds() - began > LONGEST_RETRY:
                    pause = FIRST_RETRY
                self._dialler.try_another_first()
            await deferLater(self._reactor, pause)
            pause = min(2 * pause, LONGEST_RETRY)

    async def _used(self, session: BrokerSession) -> str:
        """Return the reason why the use of a connection ended."""
        try:
            await self._use(session)
        except (AMQPError, ConnectionClosed, ConnectionError, SinkUnavailable) as error:
            reply = getattr(error, "reply_text", "")
            session.abort(refusal_text(reply) if reply else str(error))
        except CancelledError:
            session.abort("it is no longer needed")
            raise
        except Exception as error:
            self.log.failure("{purpose}: the program failed", purpose=self._dialler.purpose)
            session.abort(f"the program failed: {type(error).__name__}: {error}")
        finally:
            self._session = None
        session.abort("its use ended")
        return reason_text(session.reason)

    def _failed(self, failure: Any) -> None:
        self.problem = "the program failed: see the log"
        self.log.failure("{purpose}: the program failed", failure, purpose=self._dialler.purpose)


async def _nothing(session: BrokerSession) -> None:
    """Prepare nothing."""
