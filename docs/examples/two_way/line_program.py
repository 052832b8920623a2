"""
The line control's program: it sends the loader commands, and answers those of the loader meanwhile.

    python line_program.py tcp:127.0.0.1:9999
"""

import sys
from typing import Any

from twisted.internet import task

from cell import Code, LineControl, LineStatus, Loader
from tcpcomm import Fault, remote


class Line(LineControl):
    """The replies of the line control to the loader."""

    loader: Loader

    def __init__(self) -> None:
        self.runs = False
        self.confirmed: list[str] = []

    async def line_status(self) -> LineStatus:
        return LineStatus(self.runs, self.confirmed)

    async def confirm(self, tray: str) -> int:
        loader = await self.loader.status()  # a command to the loader, which waits for our reply
        print(f"the loader is {loader.mode}, {loader.trays} trays left, and asks for {tray}", flush=True)
        if not tray.startswith("T-"):
            raise Fault(Code.UNKNOWN_TRAY, f"no tray is called {tray}")
        self.confirmed.append(tray)
        return len(self.confirmed)


async def main(reactor: Any, at: str) -> None:
    line = Line()
    line.loader = loader = remote(Loader, at=at, serves=line)
    loader.trays_low.subscribe(lambda left: print(f"trays left: {left}", flush=True))

    status = await loader.status()
    print(f"the loader is {status.mode}, {status.trays} trays left", flush=True)
    for runs in (False, True, True, True, True):
        line.runs = runs
        try:
            print(await loader.load(), flush=True)
        except Fault as fault:
            print(f"fault {fault.code}: {fault.reason}", flush=True)
    print(f"confirmed: {' '.join(line.confirmed)}", flush=True)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
