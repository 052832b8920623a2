"""
Programs in which instruments meet programs of others, each in one process that ends by itself.

    python -c "from tests.interop.devices.scpi_programs import with_pyvisa; with_pyvisa()"
"""

from __future__ import annotations

from collections import deque
from threading import Thread
from time import monotonic, sleep
from typing import Any

from tcpcomm import Fault, blocking, command
from tcpcomm.devices.scpi import Instrument, SimulatedMultimeter


def with_pyvisa() -> None:
    """Serve the multimeter to PyVISA, in each of the line ends that its users set."""
    import pyvisa

    mine = SimulatedMultimeter()
    mine.volts = 1.25
    with blocking.serve(mine, at="tcp:0:interface=127.0.0.1") as served:
        manager = pyvisa.ResourceManager("@py")
        for end in ("\n", "\r\n"):
            meter: Any = manager.open_resource(
                f"TCPIP0::127.0.0.1::{served.ports[0]}::SOCKET",
                write_termination=end,
                read_termination="\n",
            )
            meter.timeout = 50_000
            _talk_to_multimeter(meter)
            meter.close()
        manager.close()
    print("served")


def _talk_to_multimeter(meter: Any) -> None:
    assert meter.query("*IDN?").startswith("tcpcomm,SimulatedMultimeter,0,")
    meter.write("*RST;*CLS")
    for header in ("MEAS?", "meas:volt?", "MEASURE:VOLTAGE:DC?", ":MEASure:VOLTage?"):
        assert meter.query_ascii_values(header) == [1.25]
    assert meter.query("volt:range 500 mv;:VOLT:RANG?;:SENSE:VOLTAGE:RANGE MAX;RANG?") == "0.500;1000.000"
    assert meter.query("VOLT:RANG? MIN;RANG? def") == "0.100;10.000"
    for wrong, error in (
        ("NONSENSE?", "-113"),
        ("VOLT:RANG 1E4", "-222"),
        ("VOLT:RANG", "-109"),
        ("VOLT:RANG 1,2", "-108"),
        ("VOLT:RANG 5 A", "-131"),
        ('DISP:TEXT "open', "-151"),
        ("FETC?", "-230"),
    ):
        meter.write(wrong)
        assert meter.query("SYST:ERR?").startswith(f"{error},"), wrong
    assert meter.query("SYST:ERR?") == '0,"No error"'
    assert int(meter.query("*ESR?")) & 0x7F == 32 + 16
    meter.write("*ESE 1;*SRE 32;TRIG:DEL 10 MS;:SAMP:COUN 5")
    assert meter.query("INIT;*OPC;*STB?;:STAT:OPER:COND?") == "0;16"
    assert meter.query("*WAI;*STB?") == str(32 + 64)
    assert meter.query_ascii_values("FETC?") == [1.25] * 5
    trace = meter.query_binary_values("TRAC?", datatype="f", is_big_endian=True)
    assert trace == [1.25] * 5
    meter.write("DISP:TEXT 'Slot #3999; \"A\"'")
    assert meter.query("DISP:TEXT?;*OPC?") == '"Slot #3999; ""A""";1'


class Bench(Instrument):
    """A supply of others: what our host asks it."""

    @command("VOLTage {volts:.3f}")
    async def set_voltage(self, volts: float) -> None:
        """Set the voltage."""
        raise NotImplementedError

    @command("MEASure:VOLTage?", reply="{volts:.4E}", idempotent=True)
    async def voltage(self) -> float:
        """Measure the voltage."""
        raise NotImplementedError

    @command("CURVe?", reply="{data:block}")
    async def curve(self) -> bytes:
        """Return the curve."""
        raise NotImplementedError


def _ask(port: int) -> None:
    """Ask a supply of others for all that it knows."""
    with blocking.remote(Bench, at=f"tcp:127.0.0.1:{port}", wait=50.0) as supply:
        assert ("ACME", "PSU-1", "42", "1.0") == tuple(
            getattr(supply.identity(), name) for name in ("maker", "model", "serial", "version")
        )
        supply.clear_status()
        supply.set_voltage(12.5)
        assert 12.5 == supply.voltage()
        assert supply.errors() == []
        supply.set_voltage(99.0)
        assert (supply.event_status(), supply.event_status()) == (16, 0)
        try:
            supply.check()
        except Fault as fault:
            print(fault)
        assert 1 == supply.is_complete()
        assert bytes(range(256)) == supply.curve()
        assert 12.5 == supply.voltage()


class Supply:
    """A power supply as a script of a few lines has it, for both simulators of others."""

    def __init__(self) -> None:
        self.volts = 0.0
        self.events = 0
        self.errors: deque[str] = deque()

    def answer(self, line: str) -> bytes | None:
        """Return the answer to a line."""
        header, _, value = line.strip().partition(" ")
        match header.upper():
            case "*IDN?":
                return b"ACME,PSU-1,42,1.0"
            case "*CLS":
                self.errors.clear()
                self.events = 0
            case "*ESR?":
                found, self.events = self.events, 0
                return b"%d" % found
            case "*OPC?":
                return b"1"
            case "VOLT" if float(value) > 30:
                self.errors.append('-222,"Data out of range"')
                self.events |= 16
            case "VOLT":
                self.volts = float(value)
            case "MEAS:VOLT?":
                return b"%.4E" % self.volts
            case "CURV?":
                return b"#3256" + bytes(range(256))
            case "SYST:ERR?":
                return (self.errors.popleft() if self.errors else '+0,"No error"').encode()
            case _:
                self.errors.append('-113,"Undefined header"')
                self.events |= 32
        return None


def with_lewis(port: int) -> None:
    """Ask a device of Lewis, which serves at this port."""
    from lewis.adapters.stream import Cmd, StreamAdapter, StreamInterface
    from lewis.core.simulation import Simulation
    from lewis.devices import Device

    supply = Supply()

    class Interface(StreamInterface):  # type: ignore[misc] # it has no annotations
        in_terminator = out_terminator = "\n"
        commands = frozenset({Cmd("ask", r"^(.*)$", return_mapping=lambda answer: answer)})

        def ask(self, line: bytes | str) -> bytes | None:
            return supply.answer(line if isinstance(line, str) else line.decode())

        def handle_error(self, request: bytes, error: Exception) -> None:
            print(request, error)

    adapter = StreamAdapter({"bind_address": "127.0.0.1", "port": port})
    adapter.interface = Interface()
    adapter.interface.device = device = Device()
    simulation = Simulation(device, adapters=[adapter])
    simulation.cycle_delay = 0.005
    simulation._adapters.connect()
    Thread(target=simulation.start, daemon=True).start()
    _ask(port)


def with_sinstruments() -> None:
    """Ask a device of sinstruments, whose server runs in gevent's loop of another thread."""
    from sinstruments.simulator import BaseDevice, TCPServer

    supply = Supply()

    class Device(BaseDevice):  # type: ignore[misc] # it has no annotations
        def handle_message(self, message: bytes) -> bytes | None:
            answer = supply.answer(message.decode())
            return None if answer is None else answer + b"\n"

    ports: list[int] = []

    def serve() -> None:
        device = Device("supply")
        server = TCPServer("supply", device.get_protocol, url=["127.0.0.1", 0])
        server.start()
        ports.append(server.address[1])
        server.serve_forever()

    Thread(target=serve, daemon=True).start()
    ends = monotonic() + 50
    while not ports and monotonic() < ends:
        sleep(0.01)
    _ask(ports[0])
