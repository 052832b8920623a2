"""
A camera whose link to a robot survives pulled cables: ``TRG,17`` is answered with ``OK,17``.

    python camera.py tcp:9999:interface=127.0.0.1
    python camera.py tcp:9999 192.168.0.20

The second listens to other machines too, and admits only the robot at that address.
The robot is ``robot.py``, and it connects. Both ends send heartbeats. So each notices within a third of a
second when the other program, the other machine or the cable is dead.
"""

import sys
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred

from tcpcomm import Heartbeat, Link, LinkState
from tcpcomm.framing import Delimited


async def main(reactor: Any, listen: str, *allow: str) -> None:
    def received(frame: bytes) -> bytes:
        command, _, number = frame.partition(b",")
        if command == b"TRG":
            print(f"picture {number.decode()}", flush=True)  # a real camera would take one
            return b"OK," + number
        return b"NG," + frame

    def told(state: LinkState, reason: str) -> None:
        print(f"{state.value}: {reason}", flush=True)

    link = Link(
        listen=listen,
        allow=allow,
        framing=Delimited(b"\r\n"),
        heartbeat=Heartbeat(b"PING", b"PONG"),
        policy="lan",
        received=received,
        reactor=reactor,
    )
    link.observe(told)
    link.startService()
    reactor.addSystemEventTrigger("before", "shutdown", link.stopService)
    await Deferred()  # until it is stopped


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
