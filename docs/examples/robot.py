"""
A robot that sends numbered commands to a camera, and goes on by itself after a pulled cable.

    python robot.py tcp:127.0.0.1:9999

The camera is ``camera.py``. For each command the robot learns one of three results: the answer; that the
command was never sent, so that it may send it again; or that nobody knows whether it was carried out.
"""

import sys
from typing import Any

from twisted.internet import task

from tcpcomm import Heartbeat, Link, LinkState, NotSent, OutcomeUnknown
from tcpcomm.framing import Delimited


async def main(reactor: Any, connect: str, commands: str = "1000000") -> None:
    def told(state: LinkState, reason: str) -> None:
        print(f"{state.value}: {reason}", flush=True)

    link = Link(
        connect=connect,
        framing=Delimited(b"\r\n"),
        heartbeat=Heartbeat(b"PING", b"PONG"),
        policy="lan",
        reactor=reactor,
    )
    link.observe(told)
    link.startService()
    number = 1
    while number <= int(commands):
        await link.whenReady()
        try:
            answer = await link.request(b"TRG,%d" % number, timeout=2.0)
        except NotSent as error:
            print(f"command {number}: not sent: {error}", flush=True)
            continue  # the camera did not get it, so send the same command again
        except OutcomeUnknown as error:
            # This command moves nothing. A program that moves something must first ask for the state, not
            # repeat.
            print(f"command {number}: unknown: {error}", flush=True)
        else:
            print(f"command {number}: {answer.decode()}", flush=True)
        number += 1
        await task.deferLater(reactor, 0.1)
    await link.stopService()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
