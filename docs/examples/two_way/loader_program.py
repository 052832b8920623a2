"""
The loader's program: it gets the command to load, and asks the line control where, on one connection.

    python loader_program.py tcp:9999:interface=127.0.0.1
"""

import sys

from cell import Code, LineControl, Loader, LoaderStatus, Mode
from tcpcomm import Fault, caller, run, serve


class SimulatedLoader(Loader):
    def __init__(self) -> None:
        self._mode = Mode.IDLE
        self._trays = ["T-001", "X-002", "T-003"]

    async def status(self) -> LoaderStatus:
        return LoaderStatus(self._mode, len(self._trays))

    async def load(self) -> str:
        if not self._trays:
            raise Fault(Code.NO_TRAY, "the magazine is empty")
        line = caller(LineControl)  # the line control that sent this command
        status = await line.line_status()
        if not status.runs:
            raise Fault(Code.LINE_STOPPED, "not loaded: the line is stopped")
        self._mode = Mode.LOADING
        try:
            tray = self._trays.pop(0)
            if len(self._trays) < 2:
                self.trays_low(left=len(self._trays))
            place = await line.confirm(tray)  # if it answers with a fault, this command fails with it too
            return f"{tray} at place {place}"
        finally:
            self._mode = Mode.IDLE

    async def ping(self) -> None:
        pass


if __name__ == "__main__":
    run(serve(SimulatedLoader(), at=sys.argv[1], calls=LineControl))
