"""
A gateway's part that owns a link, as a program: ``python -m tests.system.cluster.owner NAME URL...``.

While it owns the link it reports an act ten times a second, as a gateway polls equipment. SIGUSR1 releases
the link in an orderly way.
"""

from __future__ import annotations

import signal
import sys
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from tcpcomm.plant import Ownership, RabbitMq, RabbitOwnership
from tcpcomm.runtime.monotonic_time import the_reactor
from tests.system.programs import end_with_stdin, report

ACT_EVERY: Final = 0.1
LINK: Final = "camera-1"


def main() -> None:
    """Run until standard input ends."""
    name, *urls = sys.argv[1:]
    reactor = the_reactor()
    ownership: Ownership = RabbitOwnership(RabbitMq(urls=urls), "proof", name, reactor)
    ownership.claim(LINK, lambda: report("gained"), lambda reason: report("lost", reason=reason))

    def act() -> None:
        if ownership.owns(LINK):
            report("act")

    def release() -> None:
        Deferred.fromCoroutine(ownership.stop())

    ownership.start()
    acting = LoopingCall(act)
    acting.clock = reactor
    acting.start(ACT_EVERY)
    signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(release))
    end_with_stdin(reactor)
    reactor.run()


if __name__ == "__main__":
    main()
