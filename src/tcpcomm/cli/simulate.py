"""The subcommand ``tcpcomm simulate``: a device that answers every command with random values."""

from __future__ import annotations

import re
import sys
from typing import Any

from twisted.application.service import Service

from tcpcomm.cli.common import Refusal, Subcommand, load_declaration, load_simulator, number
from tcpcomm.cli.monitoring import monitors_of
from tcpcomm.cli.recording import recorders_of
from tcpcomm.cli.tools.console_options import ConsoleOptions, console_observers
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.options import ListeningOptions, one_line
from tcpcomm.server.running import run_until_stopped
from tcpcomm.server.service import CannotListen, ServerService
from tcpcomm.server.serving import EquipmentFactory, serve
from tcpcomm.server.simulator import EventsEvery, simulated
from tcpcomm.session.frame_log import frame_log
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.monitor.options import MonitorOptions
from tcpcomm.tools.record.options import RecordingOptions


class SimulateOptions(Subcommand, ListeningOptions, MonitorOptions, ConsoleOptions, RecordingOptions):
    """The options of ``tcpcomm simulate``."""

    synopsis = "simulate DEVICE [options]"

    longdesc = """Simulates the equipment. DEVICE is a name that 'tcpcomm devices' lists, or MODULE:NAME. A
device that has a simulator of its own behaves as the real one: a PLC keeps what is written to it. Any other
equipment answers every command with random values of the right types; the same seed gives the same answers.
The log, on standard error, shows commands and answers. Without --listen, only this machine can connect.
Ctrl-C ends it."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["connect", None, None, "Connect to the host, such as tcp:10.0.0.1:9999, instead of listening."],
        ["seed", "s", "0", "A whole number; the same seed gives the same answers to each command."],
        ["latency", None, "0", "Seconds that a command takes, such as 0.05, or a range, such as 0.02-0.2."],
        ["fault-rate", None, "0", "The share of commands that get a fault, from 0 to 1: 0.01 is 1 in 100."],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["frames", None, "Show each frame with its direction, bytes and meaning, on standard error."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["event-every"] = []

    @one_line
    def opt_event_every(self, text: str) -> None:
        """
        Seconds between two events of each kind, such as 5, or of one kind, such as alarm=5; may be given
        several times: the last one for a kind counts.
        """
        self["event-every"].append(text)

    def run(self) -> int:
        reactor = the_reactor()
        declaration = load_declaration(self.name)
        console = self.console(f"simulate {self.name}")
        simulator = load_simulator(self.name)
        if simulator is None and not declaration.unimplemented():
            print(
                f"tcpcomm simulate: {declaration.name} implements its commands, but answers at random "
                f"here: 'twistd -n tcpcomm --app {self.name}' serves it as it is",
                file=sys.stderr,
            )
        if not re.fullmatch(r"-?[0-9]{1,18}", self["seed"]):
            raise Refusal(f"--seed must be a whole number, not {self['seed']!r}")
        seed = int(self["seed"])
        equipment = simulated(
            declaration.kind if simulator is None else simulator,
            seed=seed,
            latency=self._latency(),
            fault_rate=number("fault-rate", self["fault-rate"], most=1.0),
            behaves=simulator is not None,
            reactor=reactor,
        )
        events = EventsEvery(equipment, self._intervals(declaration), seed=seed)
        observers = [
            *frame_log(sys.stderr if self["frames"] else None),
            *recorders_of(self),
            *monitors_of(self, recordings=self.recordings),
            *console_observers(console),
        ]
        try:
            run_until_stopped(self._service(equipment, observers, reactor), events, face=console)
        except CannotListen as error:
            raise Refusal(str(error)) from None
        return 0

    def _service(self, equipment: Equipment, observers: list[SessionObserver], reactor: Any) -> Service:
        if self["connect"] is not None:
            if self["listen"] or self["allow"]:
                raise Refusal("--listen and --allow have no effect with --connect")
            return serve(equipment, connect=self["connect"], observers=observers, reactor=reactor)
        problems: list[str] = []
        allow = self.allowed(problems)
        listeners = self.places(problems, reactor)
        if problems:
            raise Refusal(*problems)
        factory = EquipmentFactory(equipment, allow=allow, observers=observers, clock=reactor)
        return ServerService(factory, listeners)

    def _latency(self) -> tuple[float, float]:
        least, dash, most = self["latency"].partition("-")
        bounds = number("latency", least), number("latency", most if dash else least)
        if bounds[0] > bounds[1]:
            raise Refusal(f"--latency {self['latency']}: write the smaller number first, as in 0.02-0.2")
        return bounds

    def _intervals(self, declaration: Declaration) -> dict[str, float]:
        intervals: dict[str, Any] = {}
        for text in self["event-every"]:
            name, equals, seconds = text.rpartition("=")
            interval = number("event-every", seconds, above=True)
            intervals.update(dict.fromkeys([name] if equals else declaration.events, interval))
        return intervals
