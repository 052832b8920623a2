"""Families of tcpcomm's own devices: hosts ask simulators on a simulated network, and all is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.devices import fins, hsms, keyence, modbus, s7, scpi, slmp, xgt
from tcpcomm.devices.slmp import MemoryAscii, SlmpAscii
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.framing import parse_framing
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.guess.capture import Side
from tests.equipment.declared import Bench
from tests.guess.talk import BOTH, NEITHER, Device, Exchange, Family, Message

__all__ = ["DEVICES"]

Ask = Callable[[Any, Random], Any]


@frozen(eq=False)
class _Noting(SessionObserver):
    """Notes what the host sends and receives, chunk by chunk."""

    messages: list[Message] = field(factory=list)

    def sent(self, session: Any, data: bytes) -> None:
        self._add(0, bytes(data))

    def received(self, session: Any, data: bytes) -> None:
        self._add(1, bytes(data))

    def _add(self, side: Side, data: bytes) -> None:
        self.messages.append(Message(side, data))


@frozen
class _Simulated:
    """A simulator, its host, and a function by which the host asks for something."""

    serve: Callable[[Random], Equipment]
    kind: type[Equipment]
    ask: Ask
    checked: tuple[bool, bool] = NEITHER
    framings: tuple[str, str] = ("", "")

    def __call__(self, setup: Random) -> Device:
        return Device(self._exchanges, self.checked, self.framings)

    def _exchanges(self, random: Random) -> Iterator[Exchange]:
        bench, noting = Bench(seed=random.randrange(2**32)), _Noting()
        bench.serve(self.serve(random))
        host: Any = bench.remote(self.kind, observers=[noting])
        while True:
            bench.result(self.ask(host, random))
            exchange = [message for chunk in noting.messages for message in self._messages(chunk)]
            noting.messages.clear()
            if exchange:
                yield exchange

    def _messages(self, chunk: Message) -> Iterator[Message]:
        """Yield the messages of a chunk, which ends where a message ends."""
        decoder, begin = parse_framing(self.framings[chunk.side]).decoder(), 0
        for end in range(1, len(chunk.data) + 1):
            if decoder.feed(chunk.data[end - 1 : end]):
                yield Message(chunk.side, chunk.data[begin:end])
                begin = end


def _modbus(host: Any, random: Random) -> Any:
    at, count = random.randrange(100), random.choice((1, 2, 4, 10, 40))
    unit = host.unit(1)
    match random.randrange(6):
        case 0:
            return unit.holding.write(at, [random.randrange(3000) for _ in range(count)])
        case 1:
            return unit.coils.write(at, random.random() < 0.5)
        case 2:
            return unit.coils(at, count)
        case 3:
            return unit.holding(at + 190, count)  # often beyond the last: an exception
        case _:
            return unit.holding(at, count)


def _filled_modbus(kind: type[Any], random: Random) -> Equipment:
    memory: Equipment = kind(holding=200, coils=200, inputs=200, discrete=200)
    memory.holding[:] = [random.randrange(3000) for _ in range(200)]  # type: ignore[attr-defined]
    return memory


def _slmp(host: Any, random: Random) -> Any:
    at, count = random.randrange(200), random.choice((1, 2, 8, 30))
    match random.randrange(5):
        case 0:
            return host.write(f"D{at}", [random.randrange(5000) for _ in range(count)])
        case 1:
            return host.read(f"M{at}", count)
        case 2:
            return host.write(f"M{at}", random.random() < 0.5)
        case _:
            return host.read(f"D{at}", count)


def _filled_words(made: Any, random: Random, area: str = "D0") -> Equipment:
    words = made.memory if hasattr(made, "memory") else made
    words[area] = [random.randrange(3000) for _ in range(300)]
    equipment: Equipment = made
    return equipment


def _fins(host: Any, random: Random) -> Any:
    at, count = random.randrange(200), random.choice((1, 2, 8, 30))
    match random.randrange(4):
        case 0:
            return host.write(f"D{at}", [random.randrange(5000) for _ in range(count)])
        case 1:
            return host.read(f"W{at}.03")
        case _:
            return host.read(f"D{at}", count)


def _xgt(host: Any, random: Random) -> Any:
    at, count = random.randrange(200), random.choice((1, 2, 8, 30))
    match random.randrange(4):
        case 0:
            return host.write(f"D{at}", [random.randrange(5000) for _ in range(count)])
        case 1:
            return host.read(f"M{at}.3")
        case _:
            return host.read(f"D{at}", count)


def _s7(host: Any, random: Random) -> Any:
    at, count = 2 * random.randrange(100), random.choice((1, 2, 8, 30))
    match random.randrange(4):
        case 0:
            return host.write(f"DB1.DBW{at}:INT", [random.randrange(5000) for _ in range(count)])
        case 1:
            return host.write(f"DB1.DBD{at}:REAL", random.gauss(20, 5))
        case _:
            return host.read(f"DB1.DBW{at}:INT", count)


def _hsms(host: Any, random: Random) -> Any:
    match random.randrange(4):
        case 0:
            return host.are_you_there()
        case 1:
            return host.remote_command("START", {"LOTID": f"LOT{random.randrange(10**5):05d}"})
        case _:
            return host.status(random.sample(range(1, 9), random.randint(1, 5)))


def _keyence(host: Any, random: Random) -> Any:
    match random.randrange(5):
        case 0:
            return host.program()
        case 1:
            return host.change_program(1, random.randrange(100))
        case 2:
            return host.is_running()
        case _:
            return host.trigger()


def _meter(host: Any, random: Random) -> Any:
    match random.randrange(4):
        case 0:
            return host.identity()
        case 1:
            return host.event_status()
        case 2:
            return host.errors()
        case _:
            return host.voltage()


_STATUS: Final = {1: "IDLE", 2: 7, 3: 20.5, 4: [1, 2, 3], 5: "LOT00001", 6: True, 7: 100_000, 8: "A"}
_RTU: Final = ("modbus-rtu-request,check=crc-16/modbus", "modbus-rtu-reply,check=crc-16/modbus")


def _family(name: str, simulated: _Simulated) -> Family:
    return Family(name, "tcpcomm's devices", simulated)


DEVICES: Final = (
    _family(
        "modbus",
        _Simulated(
            partial(_filled_modbus, modbus.Memory),
            modbus.Modbus,
            _modbus,
            framings=("length:2,offset=4",) * 2,
        ),
    ),
    _family(
        "modbus-rtu",
        _Simulated(partial(_filled_modbus, modbus.MemoryRtu), modbus.ModbusRtu, _modbus, BOTH, _RTU),
    ),
    _family(
        "slmp",
        _Simulated(
            lambda random: _filled_words(slmp.Memory(), random),
            slmp.Slmp,
            _slmp,
            framings=("length:2,little,offset=7",) * 2,
        ),
    ),
    _family(
        "slmp-ascii",
        _Simulated(
            lambda random: _filled_words(MemoryAscii(), random),
            SlmpAscii,
            _slmp,
            framings=("length:4,hex,offset=14",) * 2,
        ),
    ),
    _family(
        "fins",
        _Simulated(
            lambda random: _filled_words(fins.Controller(), random),
            fins.Fins,
            _fins,
            framings=("length:4,offset=4",) * 2,
        ),
    ),
    _family(
        "xgt",
        _Simulated(
            lambda random: _filled_words(xgt.Memory(), random),
            xgt.Xgt,
            _xgt,
            BOTH,
            framings=("length:2,little,offset=16,adjust=2",) * 2,
        ),
    ),
    _family("s7", _Simulated(lambda _: s7.Memory(blocks={1: 1000}), s7.S7, _s7, framings=("cotp", "cotp"))),
    _family(
        "hsms",
        _Simulated(lambda _: hsms.GemTool(status={**_STATUS}), hsms.Gem, _hsms, framings=("length:4",) * 2),
    ),
    _family(
        "keyence",
        _Simulated(
            lambda _: keyence.SimulatedCvX(), keyence.CvX, _keyence, framings=(r"delimited:\r",) * 2
        ),
    ),
    _family(
        "scpi",
        _Simulated(
            lambda _: scpi.SimulatedMultimeter(), scpi.Multimeter, _meter, framings=("definite",) * 2
        ),
    ),
)
