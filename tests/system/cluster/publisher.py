"""
A gateway's part that delivers, as a program: a real outbox and a real RabbitMQ sink.

``python -m tests.system.cluster.publisher FILE RATE URL...`` posts messages, and reports each when it is
posted and when the outbox has acknowledged it. SIGUSR1 ends the posting; the program ends when all is
delivered.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from tcpcomm.plant import Outbox, RabbitMq
from tcpcomm.runtime.monotonic_time import the_reactor
from tests.system.programs import end_with_stdin, report

SOURCES: Final = 4
PATIENCE: Final = 20.0
LOOK_EVERY: Final = 0.05


class Publisher:
    """Posts messages of several sources at a steady rate, and reports what becomes of them."""

    def __init__(self, path: str, rate: float, urls: list[str], reactor: Any) -> None:
        self._reactor = reactor
        self._outbox = Outbox(path, {"mes": RabbitMq(urls=urls, patience=PATIENCE)}, reactor=reactor)
        self._outbox.startService()
        self._life = time.monotonic_ns()
        self._name = os.path.basename(path)
        self._number = 0
        self._delivered = -1
        self._waiting = 0
        self._state = ""
        self._posting = LoopingCall(self._post)
        self._posting.clock = reactor
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._posting.start(1 / rate)
        self._looking.start(LOOK_EVERY)

    def stop_posting(self) -> None:
        """Post nothing more, and end when all is delivered."""
        if self._posting.running:
            self._posting.stop()

    def _post(self) -> None:
        self._number += 1
        self._waiting += 1
        source = f"{self._name}-{self._number % SOURCES}"
        about = {"source": source, "life": self._life, "n": self._number}
        report("posted", **about)
        posted = self._outbox.post(about, to="mes", topic=f"{source}/locate", source=source)
        posted.addCallbacks(self._acknowledged, self._refused, callbackArgs=(about,))

    def _acknowledged(self, id: str, about: dict[str, Any]) -> None:
        self._waiting -= 1
        report("acknowledged", id=id, **about)

    def _refused(self, failure: Failure) -> None:
        self._waiting -= 1
        report("refused", reason=str(failure.value))

    def _look(self) -> None:
        figures = self._outbox.figures().sinks["mes"]
        if figures.delivered != self._delivered:
            self._delivered = figures.delivered
            report("delivered", count=figures.delivered)
        if figures.state != self._state:
            self._state = figures.state
            report("state", state=figures.state, aside=figures.set_aside)
        if not self._posting.running and not self._waiting and not figures.depth and self._looking.running:
            self._looking.stop()
            Deferred.fromCoroutine(self._end())

    async def _end(self) -> None:
        await self._outbox.stopService()
        report("drained")


def main() -> None:
    """Run until standard input ends."""
    path, rate, *urls = sys.argv[1:]
    reactor = the_reactor()
    publisher = Publisher(path, float(rate), urls, reactor)
    signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(publisher.stop_posting))
    end_with_stdin(reactor)
    reactor.run()


if __name__ == "__main__":
    main()
