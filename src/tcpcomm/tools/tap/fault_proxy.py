"""
A TCP proxy that disturbs the bytes between two programs: :class:`FaultProxy`.

Use it if you cannot pull a cable: it needs no rights and no second machine. Put it between the two
programs, and add *toxics* (Toxiproxy's word) to either direction::

    proxy = FaultProxy("tcp:127.0.0.1:9999")
    port = await proxy.start()                  # let the client connect to this one
    proxy.downstream.add(Latency(0.2))          # bytes of the server arrive 0.2 s later
    proxy.upstream.add(Blackhole())             # bytes of the client do not arrive
    proxy.upstream.clear()                      # now they arrive
    await proxy.stop()

Each chunk passes the toxics in their order.
"""

from __future__ import annotations

from typing import ClassVar

from twisted.python.failure import Failure

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.tools.tap.direction import Passage
from tcpcomm.tools.tap.relay import Connection, Relay


class FaultProxy(Relay):
    """
    Listens, connects each client to a target, and applies toxics to the bytes between them.

    Args:
        target: the client endpoint to connect to, or its string.
        listen: the server endpoint to listen at, as a string. The default is a free port of this machine.
        reactor: the reactor. The default is Twisted's.
        clock: the clock for delays. The default is the reactor.
        random: the source of the random values of toxics.
    """

    def passage(self, connection: Connection) -> Passage:
        return _LoggedPassage()


class _LoggedPassage(Passage):
    """Passes all chunks, and logs a target that cannot be reached."""

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def unreachable(self, failure: Failure) -> None:
        self.log.warn("the target cannot be reached: {reason}", reason=failure.getErrorMessage())
