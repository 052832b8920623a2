"""
Programs that others wrote, captured by tcpcomm's tap: :func:`recorded` runs one and returns its capture.

Each conversation runs in a process of its own, because a process has one reactor::

    python -m tests.guess.foreign pymodbus 1
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from random import Random
from time import monotonic, sleep
from typing import Any, Final

from attrs import field, frozen

from tcpcomm import blocking
from tcpcomm.devices import fins, slmp, xgt
from tcpcomm.devices.modbus import Memory, MemoryRtu
from tcpcomm.devices.scpi import SimulatedMultimeter
from tcpcomm.framing import parse_framing
from tcpcomm.host.reactor_thread import call_in_reactor
from tcpcomm.session.observer import SessionObserver
from tcpcomm.testing import Tap
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tests.conftest import ROOT
from tests.docs.processes import free_port
from tests.guess.talk import BOTH, NEITHER, Device, Exchange, Message

__all__ = ["FOREIGN", "Foreign", "device_of", "exchanges_in", "recorded"]

_EXCHANGES: Final = 12
_DEADLINE: Final = 90.0
_ON_LOOPBACK: Final = "tcp:0:interface=127.0.0.1"


@frozen
class Foreign:
    """
    A conversation of which at least one end is a program of others.

    Attributes:
        name: a stable name.
        ends: both ends for people.
        module: the module that must be installed.
        talk: starts the server, connects the client through a tap, and lets it ask.
        framings: the framing of each side, from the standard.
        checked: True for each side whose messages carry a checksum.
    """

    name: str
    ends: str
    module: str
    talk: Callable[[Random], None]
    framings: tuple[str, str]
    checked: tuple[bool, bool] = NEITHER


@frozen(eq=False)
class _Noting(SessionObserver):
    """Notes the chunks that pass the tap, with their times. A tap stands where the equipment stands."""

    chunks: list[CapturedChunk] = field(factory=list)

    def received(self, session: Any, data: bytes) -> None:
        self.chunks.append(CapturedChunk(OPENER, bytes(data), monotonic()))

    def sent(self, session: Any, data: bytes) -> None:
        self.chunks.append(CapturedChunk(ANSWERER, bytes(data), monotonic()))


_NOTED: Final = _Noting()


def _tapped(port: int) -> int:
    """Put a tap in front of a port. Return the port of the tap."""
    tap = call_in_reactor(lambda: Tap(f"tcp:127.0.0.1:{port}", observers=[_NOTED]))
    return int(call_in_reactor(tap.start))


def _served(equipment: Any) -> int:
    """Serve equipment of ours. Return the port of the tap in front of it."""
    return _tapped(blocking.serve(equipment, at=_ON_LOOPBACK).ports[0])


def _pymodbus(random: Random) -> None:
    from pymodbus.client import ModbusTcpClient

    memory = Memory(holding=[random.randrange(2000) for _ in range(200)], coils=200)
    client = ModbusTcpClient("127.0.0.1", port=_served(memory))
    _ask_modbus(client, random)


def _pymodbus_rtu(random: Random) -> None:
    from pymodbus.client import ModbusTcpClient

    from pymodbus import FramerType

    memory = MemoryRtu(holding=[random.randrange(2000) for _ in range(200)], coils=200)
    client = ModbusTcpClient("127.0.0.1", port=_served(memory), framer=FramerType.RTU)
    _ask_modbus(client, random)


def _ask_modbus(client: Any, random: Random) -> None:
    client.connect()
    for _ in range(_EXCHANGES):
        at, count = random.randrange(100), random.randint(1, 20)
        match random.randrange(4):
            case 0:
                client.write_registers(at, [random.randrange(3000) for _ in range(count)])
            case 1:
                client.read_coils(at, count=count)
            case _:
                client.read_holding_registers(at, count=count)
    client.close()


def _py_modbus_tcp(random: Random) -> None:
    from pyModbusTCP.client import ModbusClient
    from pyModbusTCP.server import ModbusServer

    port = int(free_port())
    server = ModbusServer("127.0.0.1", port, no_block=True)
    server.start()
    client = ModbusClient("127.0.0.1", _tapped(port), timeout=20.0)
    for _ in range(_EXCHANGES):
        at, count = random.randrange(100), random.randint(1, 20)
        if random.random() < 0.4:
            client.write_multiple_registers(at, [random.randrange(3000) for _ in range(count)])
        else:
            client.read_holding_registers(at, count)
    client.close()
    server.stop()


def _pymcprotocol(kind: str, coding: str) -> Callable[[Random], None]:
    def talk(random: Random) -> None:
        import pymcprotocol

        memory = {"binary": slmp.Memory, "ascii": slmp.MemoryAscii}[coding]
        equipment = (slmp.Memory4E if kind == "Type4E" else memory)()
        plc = getattr(pymcprotocol, kind)("Q")
        plc.setaccessopt(commtype=coding)
        plc.connect("127.0.0.1", _served(equipment))
        for _ in range(_EXCHANGES):
            at, count = random.randrange(100), random.randint(1, 20)
            match random.randrange(4):
                case 0:
                    plc.batchwrite_wordunits(f"D{at}", [random.randrange(3000) for _ in range(count)])
                case 1:
                    plc.batchread_bitunits(f"M{at}", count)
                case _:
                    plc.batchread_wordunits(f"D{at}", count)
        plc.close()

    return talk


def _fins(random: Random) -> None:
    from fins.tcp import TCPFinsConnection

    controller = fins.Controller()
    controller.memory["D0"] = [random.randrange(3000) for _ in range(200)]
    plc = TCPFinsConnection()
    plc.connect("127.0.0.1", port=_served(controller), connection_timeout=20)
    for _ in range(_EXCHANGES):
        at, count = random.randrange(100), random.randint(2, 20)
        if random.random() < 0.3:
            plc.write([random.randrange(3000) for _ in range(count)], "d", at, "ui")
        else:
            plc.read("d", at, "ui", count)
    plc.fins_socket.close()


def _snap7(random: Random) -> None:
    import snap7

    port = int(free_port())
    server = snap7.Server()
    data = bytearray(random.randbytes(400))
    server.register_area(snap7.SrvArea.DB, 1, data)
    server.start(port)
    client = snap7.Client()
    client.connect("127.0.0.1", 0, 1, _tapped(port))
    for _ in range(_EXCHANGES):
        at, count = random.randrange(200), random.randint(1, 60)
        if random.random() < 0.3:
            client.db_write(1, at, bytearray(random.randbytes(count)))
        else:
            client.db_read(1, at, count)
    client.disconnect()
    server.stop()


def _secsgem(random: Random) -> None:
    import secsgem.common
    import secsgem.gem
    import secsgem.hsms

    port = int(free_port())
    modes, kinds = secsgem.hsms.HsmsConnectMode, secsgem.common.DeviceType

    def settings(at: int, mode: Any, kind: Any) -> Any:
        return secsgem.hsms.HsmsSettings(
            address="127.0.0.1", port=at, connect_mode=mode, device_type=kind, session_id=3, t5=1
        )

    equipment = secsgem.gem.GemEquipmentHandler(settings(port, modes.PASSIVE, kinds.EQUIPMENT))
    for number, value in ((10, 125), (11, 7), (12, 70000)):
        equipment.status_variables[number] = secsgem.gem.StatusVariable(
            number, f"variable {number}", "mm", secsgem.secs.variables.U4, True
        )
        equipment.status_variables[number].value = value
    equipment.enable()
    sleep(0.5)
    host = secsgem.gem.GemHostHandler(settings(_tapped(port), modes.ACTIVE, kinds.HOST))
    host.enable()
    assert host.waitfor_communicating(30)
    for _ in range(_EXCHANGES):
        match random.randrange(3):
            case 0:
                host.are_you_there()
            case 1:
                host.request_sv(random.choice((10, 11, 12)))
            case _:
                host.request_svs(random.sample((10, 11, 12), random.randint(1, 3)))


def _pyvisa(random: Random) -> None:
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    port = _served(SimulatedMultimeter())
    meter: Any = manager.open_resource(
        f"TCPIP0::127.0.0.1::{port}::SOCKET", write_termination="\n", read_termination="\n"
    )
    meter.timeout = 20_000
    asked = ("*IDN?", "MEAS:VOLT?", "SYST:ERR?", "VOLT:RANG?", "*STB?", "MEAS:CURR?")
    for _ in range(_EXCHANGES):
        meter.query(random.choice(asked))
    meter.close()


def _py_xgt(random: Random) -> None:
    from PyXGT.LS import plc_ls

    memory = xgt.Memory()
    memory["D0"] = [random.randrange(3000) for _ in range(200)]
    plc = plc_ls("127.0.0.1", _served(memory))
    for _ in range(_EXCHANGES):
        at = random.randrange(100)
        if random.random() < 0.3:
            plc.command("XGT", "write", "word", f"D{at}", random.randrange(3000))
        else:
            places = ",".join(f"D{at + step}" for step in range(random.randint(1, 4)))
            plc.command("XGT", "read", "word", places)


_LENGTH_2_4: Final = ("length:2,offset=4",) * 2
_RTU: Final = ("modbus-rtu-request,check=crc-16/modbus", "modbus-rtu-reply,check=crc-16/modbus")

FOREIGN: Final = (
    Foreign("pymodbus", "pymodbus asks tcpcomm", "pymodbus", _pymodbus, _LENGTH_2_4),
    Foreign("pymodbus-rtu", "pymodbus asks tcpcomm, RTU over TCP", "pymodbus", _pymodbus_rtu, _RTU, BOTH),
    Foreign("pymodbustcp", "pyModbusTCP asks pyModbusTCP", "pyModbusTCP", _py_modbus_tcp, _LENGTH_2_4),
    Foreign(
        "pymcprotocol-3e",
        "pymcprotocol asks tcpcomm, 3E",
        "pymcprotocol",
        _pymcprotocol("Type3E", "binary"),
        ("length:2,little,offset=7",) * 2,
    ),
    Foreign(
        "pymcprotocol-4e",
        "pymcprotocol asks tcpcomm, 4E",
        "pymcprotocol",
        _pymcprotocol("Type4E", "binary"),
        ("length:2,little,offset=11",) * 2,
    ),
    Foreign(
        "pymcprotocol-ascii",
        "pymcprotocol asks tcpcomm, 3E in ASCII",
        "pymcprotocol",
        _pymcprotocol("Type3E", "ascii"),
        ("length:4,hex,offset=14",) * 2,
    ),
    Foreign("fins", "fins asks tcpcomm", "fins", _fins, ("length:4,offset=4",) * 2),
    Foreign("snap7", "python-snap7 asks python-snap7", "snap7", _snap7, ("tpkt", "tpkt")),
    Foreign("secsgem", "secsgem's host asks secsgem's equipment", "secsgem", _secsgem, ("length:4",) * 2),
    Foreign("pyvisa", "PyVISA asks tcpcomm", "pyvisa", _pyvisa, (r"delimited:\n",) * 2),
    Foreign("pyxgt", "PyXGT asks tcpcomm", "PyXGT", _py_xgt, ("length:2,little,offset=16,adjust=2",) * 2),
)
"""The conversations. Their checksums are judged where the standard demands them of both sides."""


def recorded(foreign: Foreign, seed: int) -> Capture:
    """
    Let the programs talk in a process of their own. Return what passed the tap.

    Raises:
        RuntimeError: the process failed; the text has its last lines.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.guess.foreign", foreign.name, str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
        capture_output=True,
        encoding="utf-8",
        timeout=_DEADLINE,
    )
    if done.returncode:
        raise RuntimeError(f"{foreign.name}: {done.stderr[-2000:]}")
    rows = json.loads(done.stdout.splitlines()[-1])
    chunks = (CapturedChunk(side, bytes.fromhex(data), at) for side, data, at in rows)
    return Capture(tuple(chunks), name=foreign.name, from_start=True)


def exchanges_in(foreign: Foreign, capture: Capture) -> list[Exchange]:
    """Return the messages of a capture, cut by the framings of the standard."""
    decoders = [parse_framing(each).decoder() for each in foreign.framings]
    pending: list[bytes] = [b"", b""]
    messages: Exchange = []
    for chunk in capture.chunks:
        for byte in chunk.data:
            pending[chunk.side] += bytes([byte])
            if decoders[chunk.side].feed(bytes([byte])):
                messages.append(Message(chunk.side, pending[chunk.side]))
                pending[chunk.side] = b""
    return [messages]


def device_of(foreign: Foreign, fresh: Capture) -> Device:
    """Return a device whose only connection is a second capture of the same programs."""

    def exchanges(random: Random) -> Iterator[Exchange]:
        yield from exchanges_in(foreign, fresh)
        while True:
            yield []

    return Device(exchanges, foreign.checked, foreign.framings)


def _main(name: str, seed: str) -> None:
    foreign = next(each for each in FOREIGN if each.name == name)
    foreign.talk(Random(f"{name} {seed}"))
    sleep(0.2)
    rows = [(each.side, each.data.hex(), each.at) for each in _NOTED.chunks]
    print(json.dumps(rows), flush=True)
    os._exit(0)  # threads of others would keep the program alive


if __name__ == "__main__":
    _main(*sys.argv[1:])
