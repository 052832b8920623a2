"""``tcpcomm simulate``: a device that answers every command of a declaration with drawn values."""

from __future__ import annotations

import re
from typing import Any

from twisted.application.service import Service
from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand, load_declaration, number
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.server.options import ListeningOptions
from tcpcomm.server.running import run_until_stopped
from tcpcomm.server.service import CannotListen, ServerService
from tcpcomm.server.serving import EquipmentFactory, serve
from tcpcomm.server.simulator import EventsEvery, simulated

__all__ = ["SimulateOptions"]


class SimulateOptions(Subcommand, ListeningOptions):
    """The options of ``tcpcomm simulate``."""

    synopsis = "simulate MODULE:NAME [options]"

    longdesc = """Is the equipment: it answers every command with made-up values of the right types, and
tells in its log what it does. The same seed gives the same answers. It listens on this machine only, unless
told otherwise. Ctrl-C ends it."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["connect", None, None, "Connect to the host, such as tcp:10.0.0.1:9999, instead of listening."],
        ["seed", "s", "0", "Another seed gives other answers: a whole number."],
        ["latency", None, "0", "Seconds that a command takes, such as 0.05, or 0.02-0.2 for between."],
        ["fault-rate", None, "0", "How many of the commands are answered with a fault: 0.01 is 1 of 100."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["event-every"] = []

    def opt_event_every(self, text: str) -> None:
        """Tell each event every so many seconds, as in 5, or one event, as in alarm=5; several times."""
        self["event-every"].append(text)

    def parseArgs(self, *args: str) -> None:
        """Take the name of the declaration."""
        if len(args) != 1:
            raise usage.UsageError("name one declaration, as in my_camera:VisionCamera")
        self.name = args[0]

    def run(self) -> int:
        from twisted.internet import reactor  # noqa: PLC0415 - never at import time

        declaration = load_declaration(self.name)
        seed = self._seed()
        equipment = simulated(
            declaration.kind,
            seed=seed,
            latency=self._latency(),
            fault_rate=number("fault-rate", self["fault-rate"], most=1.0),
            reactor=reactor,
        )
        events = EventsEvery(equipment, self._intervals(declaration), seed=seed)
        try:
            run_until_stopped(self._service(equipment, reactor), events)
        except CannotListen as error:
            raise Refusal(str(error)) from None
        return 0

    def _service(self, equipment: Equipment, reactor: Any) -> Service:
        if self["connect"] is not None:
            if self["listen"] or self["allow"]:
                raise Refusal("--listen and --allow have no effect with --connect")
            return serve(equipment, connect=self["connect"], reactor=reactor)
        problems: list[str] = []
        allow = self.allowed(problems)
        listeners = self.places(problems, reactor)
        if problems:
            raise Refusal(*problems)
        return ServerService(EquipmentFactory(equipment, allow=allow, clock=reactor), listeners)

    def _seed(self) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", self["seed"]):
            raise Refusal(f"--seed must be a whole number, not {self['seed']!r}")
        return int(self["seed"])

    def _latency(self) -> tuple[float, float]:
        least, dash, most = self["latency"].partition("-")
        bounds = number("latency", least), number("latency", most if dash else least)
        if bounds[0] > bounds[1]:
            raise Refusal(f"--latency {self['latency']}: the least comes first, as in 0.02-0.2")
        return bounds

    def _intervals(self, declaration: Declaration) -> dict[str, float]:
        intervals: dict[str, Any] = {}
        for text in self["event-every"]:
            name, equals, seconds = text.rpartition("=")
            interval = number("event-every", seconds, above=True)
            intervals.update(dict.fromkeys([name] if equals else declaration.events, interval))
        return intervals
