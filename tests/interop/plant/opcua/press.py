"""
A press, and an OPC UA server for its link, as programs of their own.

    python -m tests.interop.plant.opcua.press press PORT
    python -m tests.interop.plant.opcua.press opcua PORT [OPTIONS as JSON]

The press listens on the port. The second connects to it, prints "listening on 127.0.0.1:PORT " when clients
can connect, and serves until it is stopped.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

from attrs import frozen
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred

from tcpcomm import Equipment, Fault, command, event, remote, run, serve
from tcpcomm.codec import Range, Template, Unit
from tcpcomm.framing import Delimited
from tcpcomm.plant import OpcUaServer


@frozen
class Position:
    """The position of the part."""

    x: Annotated[float, Unit("mm"), Range(-50, 50)]
    y: Annotated[float, Unit("mm")]
    good: bool


class Press(Equipment):
    """A press that finds parts."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")

    @command("LOC,{job:d}", reply="OK,{x:.3f},{y:.3f},{good:Y|N}", timeout=10.0)
    async def locate(self, job: Annotated[int, Range(1, 9)] = 1) -> Position:
        """Locate the part."""
        raise NotImplementedError

    @command("TMP", reply="OK,{degrees:.1f}")
    async def temperature(self) -> Annotated[float, Unit("°C"), Range(0, 100)]:
        """Measure the temperature."""
        raise NotImplementedError

    @command("STP", reply="OK")
    async def stop(self) -> None:
        """Stop the press: no client may call it."""
        raise NotImplementedError

    @event("ALM,{code:d},{text}")
    def alarm(self, code: int, text: str) -> None:
        """The press needs attention."""


class MyPress(Press):
    """Job 4 finds nothing, job 5 takes two seconds, job 6 is never answered, and job 7 sends an alarm."""

    async def locate(self, job: int = 1) -> Position:
        if job == 4:
            raise Fault(17, "no part")
        if job == 5:
            await task.deferLater(reactor, 2.0)
        if job == 6:
            await Deferred()
        if job == 7:
            self.alarm(41, "oil")
        return Position(job + 0.5, -2.0, True)

    async def temperature(self) -> float:
        return 21.5

    async def stop(self) -> None:
        raise AssertionError("nobody may call it")


def main(role: str, port: str, options: str = "{}") -> None:
    if role == "press":
        run(serve(MyPress(), at=f"tcp:{port}:interface=127.0.0.1"))
        return
    given: dict[str, Any] = {"endpoint": "opc.tcp://127.0.0.1:0/tcpcomm", "name": "hall-1"}
    opcua = OpcUaServer(**{**given, "severities": {"alarm": 800}, **json.loads(options)})
    press = remote(Press, at=f"tcp:127.0.0.1:{port}", policy="lan")
    opcua.add(
        press, "press-1", polls={"temperature": 0.2, "locate": (0.2, {"job": 2})}, commands=["locate"]
    )
    opcua.whenListening().addCallback(lambda found: print(f"listening on 127.0.0.1:{found} ", flush=True))
    run(opcua)


if __name__ == "__main__":
    main(*sys.argv[1:])
