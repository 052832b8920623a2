"""The subcommand ``tcpcomm monitor``: it shows a link or a recording in the browser."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python import usage

from tcpcomm.cli.common import Refusal, load_declaration
from tcpcomm.cli.hosting import ConnectionOptions, run_reactor
from tcpcomm.cli.monitoring import listen
from tcpcomm.cli.tools.console_options import ConsoleOptions
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.monitor.options import monitor_at

_DEFAULT_PORT: Final = "8080"
_VALUES_AT_ONCE: Final = 500
_TELLS_EACH: Final = 100_000


class MonitorCommandOptions(ConnectionOptions, ConsoleOptions):
    """The options of ``tcpcomm monitor``."""

    synopsis = "monitor DEVICE ENDPOINT | FILE [options]"

    longdesc = f"""Connects to the equipment at ENDPOINT, such as tcp:10.0.0.5:9999, and shows in the
browser what passes: frames, replies with their times, faults. The page can send its commands. DEVICE is a
name that 'tcpcomm devices' lists, or MODULE:NAME. With a FILE that tcpcomm recorded, it shows that. It
prints the address of the page, which ends in a token that allows changes. Other commands show their own
links with --monitor {_DEFAULT_PORT}. Ctrl-C ends it."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "port",
            "p",
            _DEFAULT_PORT,
            "The port of this machine for the page, or ADDRESS:PORT; 0: any free port.",
        ],
    ]
    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["read-only", "r", "The page changes nothing."],
    ]

    def opt_host_name(self, name: str) -> None:
        """A further name by which a browser may call this machine; may be given several times."""
        self.setdefault("host-name", []).append(name)

    def parseArgs(self, *args: str) -> None:
        if not 1 <= len(args) <= 2:
            raise usage.UsageError(
                "name a device or a declaration, and an endpoint, as in my_camera:VisionCamera "
                "tcp:10.0.0.5:9999, or a recording"
            )
        self.names = args

    def run(self) -> int:
        if len(self.names) == 1:
            return self._show_recording(self.names[0])
        name, endpoint = self.names
        declaration = load_declaration(name)
        console = self.console(declaration.name, read_only=bool(self["read-only"]))
        observer = self._monitor(name=declaration.name) if console is None else console.model
        self.proxy(declaration, endpoint, observers=[observer], face=console)
        return run_reactor(_until_ctrl_c, face=console)

    def _show_recording(self, name: str) -> int:
        path = Path(name)
        if not path.exists():
            raise Refusal(
                f"there is no recording {name}; to watch equipment, write its endpoint behind the device, "
                "such as tcp:10.0.0.5:9999"
            )
        from tcpcomm.tools.monitor.recorded import (  # noqa: PLC0415 - brings in twisted.web
            RecordedTime,
            RecordedTraffic,
        )
        from tcpcomm.tools.record.recording import Recording  # noqa: PLC0415 - for this alone

        with Recording(path) as recording:
            span = recording.span()
        time = RecordedTime(0.0 if span is None else span[0] / 1e6)
        console = self.console(path.name, read_only=bool(self["read-only"]), times=time)
        model = self._monitor(name=path.name, times=time) if console is None else console.model

        async def show() -> int:
            with Recording(path) as recording:  # again, because SQLite wants it in the reactor's thread
                return await _show(RecordedTraffic(recording, model, time), recording)

        return run_reactor(show, face=console)

    def _monitor(self, **options: Any) -> Any:
        names, read_only = self.get("host-name", ()), bool(self["read-only"])
        monitor = monitor_at(self["port"], option="--port", names=names, read_only=read_only, **options)
        listen(monitor)
        return monitor


async def _until_ctrl_c() -> int:
    return await Deferred()


async def _show(traffic: Any, recording: Any) -> int:
    """Show a recording, in slices, so that the page answers meanwhile."""
    shown = 0
    steps = traffic.steps()
    while part := sum(1 for _ in islice(steps, _VALUES_AT_ONCE)):
        before, shown = shown, shown + part
        if shown // _TELLS_EACH > before // _TELLS_EACH:
            print(f"{shown:,} values", file=sys.stderr, flush=True)
        await deferLater(the_reactor(), 0)
    for problem in recording.problems:
        print(one_line(f"tcpcomm monitor: {problem}"), file=sys.stderr, flush=True)
    print(f"the recording is shown: {shown:,} values; Ctrl-C ends it", file=sys.stderr, flush=True)
    return await _until_ctrl_c()
