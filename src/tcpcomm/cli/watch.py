"""The subcommand ``tcpcomm watch``: it prints events as they arrive."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python import usage

from tcpcomm.cli.common import Refusal, load_declaration, number
from tcpcomm.cli.hosting import ConnectionOptions, run_reactor
from tcpcomm.cli.tools.console_options import ConsoleOptions, console_observers
from tcpcomm.equipment.messages import DeclaredEvent
from tcpcomm.host.host import link_of
from tcpcomm.runtime.safe_text import one_line, safe_json
from tcpcomm.tools.manual.values import jsonable
from tcpcomm.tools.monitor.options import MonitorOptions
from tcpcomm.tools.record.options import RecordingOptions


class WatchOptions(ConnectionOptions, MonitorOptions, ConsoleOptions, RecordingOptions):
    """The options of ``tcpcomm watch``."""

    synopsis = "watch DEVICE ENDPOINT [EVENT ...] [options]"

    longdesc = """Prints the events of the equipment at ENDPOINT, such as tcp:10.0.0.5:9999, as they arrive:
all events, or only those that are named. Standard error shows the state of the link. Ctrl-C ends it."""

    optFlags: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        ["json", "j", "Print each event as a JSON object."],
    ]
    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["count", "c", None, "The number of events to print; then end."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) < 2:
            raise usage.UsageError(
                "name a device or a declaration, and an endpoint, as in my_camera:VisionCamera "
                "tcp:10.0.0.5:9999"
            )
        self.name, self.endpoint, *self.events = args

    def run(self) -> int:
        declaration = load_declaration(self.name)
        for name in self.events:
            if name not in declaration.events:
                known = ", ".join(declaration.events) or "none"
                raise Refusal(f"{declaration.name} has no event {name!r}; its events: {known}")
        names = self.events or list(declaration.events)
        if not names:
            raise Refusal(f"{declaration.name} declares no event")
        count = None if self["count"] is None else number("count", self["count"], least=1)
        console = self.console(f"watch {self.name}")
        proxy = self.proxy(declaration, self.endpoint, observers=console_observers(console), face=console)
        if not self["frames"] and console is None:  # which show the states, too
            link_of(proxy).observe(_print_state)
        events = [declaration.events[name] for name in names]
        return run_reactor(lambda: self._watch(proxy, events, count), face=console)

    async def _watch(self, proxy: Any, events: list[DeclaredEvent], count: float | None) -> int:
        enough: Deferred[int] = Deferred()
        printed = 0

        def print_event(event: DeclaredEvent, *values: Any) -> None:
            nonlocal printed
            if enough.called:
                return
            try:
                print(self._line(event.name, dict(zip(event.names, values, strict=True))), flush=True)
            except BrokenPipeError as error:
                enough.errback(error)
                return
            printed += 1
            if printed == count:
                enough.callback(0)

        for event in events:
            getattr(proxy, event.name).subscribe(partial(print_event, event))
        return await enough

    def _line(self, name: str, values: dict[str, Any]) -> str:
        if self["json"]:
            members = {key: jsonable(value) for key, value in values.items()}
            return safe_json(json.dumps({"event": name, "values": members}, ensure_ascii=False))
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in values.items())})"


def _print_state(state: Any, reason: str) -> None:
    print(one_line(f"link {state.value}: {reason}"), file=sys.stderr, flush=True)
