"""
The line control's program: it tells the loader what to do, and answers what the loader asks meanwhile.

    python line_program.py tcp:127.0.0.1:9999
"""

import sys
from typing import Any

from twisted.internet import task

from cell import Code, LineControl, LineStatus, Loader
from tcpcomm import Fault, remote


class Line(LineControl):
    """What the line control answers the loader."""

    loader: Loader

    def __init__(self) -> None:
        self.runs = False
        self.confirmed: list[str] = []

    async def line_status(self) -> LineStatus:
        return LineStatus(self.runs, self.confirmed)

    async def confirm(self, tray: str) -> int:
        loader = await self.loader.status()  # a question while it waits for our answer
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
