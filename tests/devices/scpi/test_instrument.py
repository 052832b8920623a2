"""
The commands that all instruments have: the error queue, the registers, what overlaps.

The lines are those that the standards show: IEEE 488.2-1992, chapters 10 to 12, and SCPI-99, volume 2,
chapter 21. The words of the errors are those of 21.8.
"""

from __future__ import annotations

import struct
from random import Random
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tcpcomm import Fault, LinkState, ReplyTimeout, command, declaration_of, link_of
from tcpcomm._version import __version__
from tcpcomm.codec import Range, Unit
from tcpcomm.devices.scpi import (
    STANDARD_ERRORS,
    Identity,
    Instrument,
    InstrumentStatus,
    Multimeter,
    ScpiError,
    SimulatedMultimeter,
    StandardEvent,
    StatusByte,
)
from tcpcomm.devices.scpi.instrument import MOST_ERRORS_READ
from tcpcomm.devices.scpi.status import ERROR_QUEUE_LENGTH, LONGEST_ERROR_TEXT
from tcpcomm.link.policy import PROFILES
from tcpcomm.server.simulator import simulated
from tcpcomm.testing import check_equipment
from tests.equipment.declared import Bench
from tests.server.test_observed import Wire, wire


class Supply(Instrument):
    """A power supply: all that its user declares."""

    @command("VOLTage {volts:.3f}")
    async def set_voltage(self, volts: Annotated[float, Unit("V"), Range(0, 30)]) -> None:
        """Set the voltage."""
        raise NotImplementedError

    @command("VOLTage?", reply="{volts:.3f}", timeout=1.0)
    async def voltage(self) -> float:
        """Return the voltage."""
        raise NotImplementedError


class MySupply(Supply):
    """Its other end: the bodies, and nothing else."""

    def __init__(self) -> None:
        self.volts: float | Fault = 0.0

    async def set_voltage(self, volts: float) -> None:
        self.volts = volts

    async def voltage(self) -> float:
        if isinstance(self.volts, Fault):
            raise self.volts
        return self.volts


def talk(instrument: Instrument) -> Talk:
    return Talk(wire(instrument))


class Talk:
    """A raw connection to an instrument."""

    def __init__(self, line: Wire) -> None:
        self.line = line
        self.read = 0

    def __call__(self, *lines: str) -> str:
        """Send lines. Return what comes back, without the last line end."""
        self.line.receive(*lines)
        found = self.line.session.transport.value()[self.read :]  # type: ignore[union-attr]
        self.read += len(found)
        return found.decode("latin-1").removesuffix("\n")  # type: ignore[no-any-return]


def test_an_instrument_declares_its_own_commands_only(bench: Bench) -> None:
    bench.serve(MySupply())
    supply = bench.remote(Supply)
    assert bench.result(supply.set_voltage(12.5)) is None
    assert 12.5 == bench.result(supply.voltage())
    assert Identity("tcpcomm", "MySupply", "0", __version__) == bench.result(supply.identity())
    assert 1 == bench.result(supply.is_complete())
    assert 0 == bench.result(supply.self_test())
    assert [] == bench.result(supply.errors())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("KEITHLEY INSTRUMENTS INC.,MODEL 2000,0597762,A13", ("MODEL 2000", "0597762", "A13")),
        ("Rigol,DM3058, DM3A1,01.01,extra", ("DM3058", "DM3A1", "01.01,extra")),
        ("ACME", ("", "", "")),
    ],
)
def test_the_identity_has_four_fields_whatever_comes(
    bench: Bench, answer: str, expected: tuple[str, str, str]
) -> None:
    class Other(MySupply):
        async def identification(self) -> str:
            return answer

    bench.serve(Other())
    found = bench.result(bench.remote(Supply).identity())
    assert expected == (found.model, found.serial, found.version)


def test_what_an_instrument_refused_is_told_in_its_own_words_when_asked(bench: Bench) -> None:
    """SCPI answers a wrong query with silence, so the caller meets a timeout first."""
    mine = MySupply()
    bench.serve(mine)
    supply = bench.remote(Supply, wait=10.0)
    mine.volts = Fault(-240, "the relay sticks")
    assert isinstance(bench.result(supply.voltage()), ReplyTimeout)
    assert [ScpiError(-240, "Hardware error;the relay sticks")] == bench.result(supply.errors())
    mine.volts = Fault(17, "lamp broken")
    bench.result(supply.voltage())
    fault = bench.result(supply.check())
    assert isinstance(fault, Fault)
    assert (17, "lamp broken", [ScpiError(17, "lamp broken")]) == (fault.code, fault.reason, fault.data)
    assert bench.result(supply.check()) is None


def test_all_errors_are_told_at_once(bench: Bench) -> None:
    mine = MySupply()
    mine.status.add_error(Fault(-113, "FOO?"))
    mine.status.add_error(Fault(-222))
    bench.serve(mine)
    fault = bench.result(bench.remote(Supply).check())
    assert '-113: Undefined header;FOO? (and then -222,"Data out of range")' == str(fault)


def test_a_queue_without_an_end_is_not_read_for_ever(bench: Bench) -> None:
    class Endless(MySupply):
        asked = 0

        async def next_error(self) -> ScpiError:
            self.asked += 1
            return ScpiError(-100, "Command error")

    mine = Endless()
    bench.serve(mine)
    assert MOST_ERRORS_READ == len(bench.result(bench.remote(Supply).errors(), 100.0)) == 1000 == mine.asked


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("FOO?", '-113,"Undefined header;'),
        ("VOLT 31", '-222,"Data out of range;volts: must be from 0 to 30 V, not 31'),
        ("VOLT abc", '-148,"Character data not allowed;'),
        ('VOLT "5"', '-158,"String data not allowed;'),
        ("VOLT #15abcde", '-168,"Block data not allowed;'),
        ("VOLT 5,6", '-108,"Parameter not allowed;2 parameters came, and the command has 1"'),
        ("VOLT", '-109,"Missing parameter;volts is missing"'),
        ("VOLT 5 A", '-131,"Invalid suffix;'),
        ("VOLT 5x#", '-121,"Invalid character in number;'),
        ("*ESE 5 V", '-138,"Suffix not allowed;'),
        ("*ESE 256", '-222,"Data out of range;'),
        ("*ESE #H1FF", '-222,"Data out of range;'),
        ('DISP:TEXT "open', '-151,"Invalid string data;'),
        ("DISP:TEXT 5", '-128,"Numeric data not allowed;'),
        ("OUTP3 ON", '-114,"Header suffix out of range;'),
        ("OUTP1 MAYBE", '-224,"Illegal parameter value;'),
        ("OUTP1 2", '-224,"Illegal parameter value;'),
        ("*RST;" * 1001, '-223,"Too much data;'),
        ("", '0,"No error"'),
    ],
    ids=lambda each: each[:12],
)
def test_a_wrong_line_gets_the_error_of_the_standard(line: str, error: str) -> None:
    class Odd(MySupply):
        @command("OUTPut{channel:d} {on}")
        async def output(self, channel: Annotated[int, Range(1, 2)], on: bool) -> None:
            """Switch an output."""

        @command("DISPlay:TEXT {text:q}")
        async def show(self, text: str) -> None:
            """Show a text."""

    ask = talk(Odd())
    assert "" == ask(line)
    assert ask("SYST:ERR?").startswith(error)
    assert '0,"No error"' == ask("syst:error:next?")


@pytest.mark.parametrize(
    ("line", "volts"),
    [
        ("VOLT 500 MV", 0.5),
        ("volt 0.01kv", 10.0),
        ("VOLT 5e3 uV", 0.005),
        ("VOLT 3.", 3.0),
        ("VOLT MAX", 30.0),
        ("VOLTAGE minimum", 0.0),
        ("VOLT #HA", 10.0),
    ],
)
def test_a_number_is_read_with_its_unit_and_by_its_names(line: str, volts: float) -> None:
    supply = MySupply()
    ask = talk(supply)
    ask(line)
    assert (volts, '0,"No error"') == (supply.volts, ask("SYST:ERR?"))


def test_a_defect_is_an_error_of_the_system() -> None:
    class Broken(MySupply):
        async def voltage(self) -> float:
            raise ValueError("a defect")

    ask = talk(Broken())
    assert "" == ask("VOLT?")
    assert ask("SYST:ERR?").startswith('-310,"System error')


def test_errors_set_their_bits_and_the_summary() -> None:
    """IEEE 488.2, 11.2 and 11.5: each class of errors has its bit, and the masks choose what is told."""
    ask = talk(MySupply())
    assert "128" == ask("*ESR?")  # power on
    assert "0" == ask("*ESR?")
    ask("*ESE 60;*SRE 32")
    assert "60;32;0" == ask("*ESE?;*SRE?;*STB?")
    ask("FOO")
    assert str(4 + 32 + 64) == ask("*STB?")
    assert "32;0" == ask("*ESR?;*ESR?")
    assert "4" == ask("*STB?")
    ask("VOLT 31")
    assert "16" == ask("*ESR?")
    assert "2" == ask("SYST:ERR:COUN?")
    ask("*CLS")
    assert "0;0;60;32" == ask("SYST:ERR:COUN?;:SYST:ERR:COUN?;*ESE?;*SRE?")


def test_bit_6_of_a_mask_is_ignored() -> None:
    ask = talk(MySupply())
    assert "191" == ask("*SRE 255;*SRE?")


@pytest.mark.parametrize(
    ("code", "bit"),
    [
        (-113, StandardEvent.COMMAND_ERROR),
        (-222, StandardEvent.EXECUTION_ERROR),
        (-310, StandardEvent.DEVICE_ERROR),
        (17, StandardEvent.DEVICE_ERROR),
        (-420, StandardEvent.QUERY_ERROR),
        (-600, StandardEvent.USER_REQUEST),
        (-999, StandardEvent(0)),
    ],
)
def test_a_class_of_errors_has_its_bit(code: int, bit: StandardEvent) -> None:
    status = InstrumentStatus()
    status.take_events()
    status.add_error(Fault(code))
    assert bit == status.take_events()
    assert STANDARD_ERRORS.get(code, "Device-specific error") == status.take_error().text


def test_the_queue_is_full_at_32_errors_and_says_so() -> None:
    status = InstrumentStatus()
    for number in range(40):
        status.add_error(Fault(number + 1, "its own"))
    assert 32 == ERROR_QUEUE_LENGTH == status.error_count
    found = [status.take_error() for _ in range(33)]
    assert [*range(1, 32), -350, 0] == [each.code for each in found]
    assert '-350,"Queue overflow"' == str(found[31])


@given(st.text(), st.integers(-900, 900) | st.text(max_size=5))
def test_every_error_can_be_sent(reason: str, code: int | str) -> None:
    status = InstrumentStatus()
    status.add_error(Fault(code, reason))
    error = status.take_error()
    assert len(error.text) <= LONGEST_ERROR_TEXT == 255
    dialect = declaration_of(Instrument).dialect
    (frame,) = dialect.reply(dialect.read_at_equipment(b"SYST:ERR?").requests[0], error)  # type: ignore[arg-type]
    assert frame == declaration_of(Instrument).sent.decoder().feed(frame + b"\n")[0]
    reader: Any = dialect.reply_reader("next_error")
    assert error == reader.take(dialect.read_at_host(frame)[0].body)  # type: ignore[union-attr]


def test_the_registers_of_scpi_keep_what_happened() -> None:
    supply = MySupply()
    ask = talk(supply)
    ask("STAT:OPER:ENAB 16;:STAT:QUES:ENAB 1;*SRE 136")
    assert "16;1" == ask("STAT:OPER:ENAB?;:STAT:QUES:ENAB?")
    supply.status.operation.condition |= 16
    supply.status.questionable.condition |= 3
    supply.status.operation.condition &= ~16
    assert "0;3" == ask("STAT:OPER:COND?;:STAT:QUES:COND?")
    reported = StatusByte.OPERATION | StatusByte.QUESTIONABLE | StatusByte.MASTER_SUMMARY
    assert str(int(reported)) == ask("*STB?")
    assert "16;0;3;0" == ask("STAT:OPER?;:STAT:OPER:EVEN?;:STAT:QUES?;:STAT:QUES:EVEN?")
    assert "0;0;0" == ask("STAT:PRES;:STAT:OPER:ENAB?;:STAT:QUES:ENAB?;*STB?")
    assert "1999.0" == ask("SYST:VERS?")
    assert "32767" == ask("STAT:OPER:ENAB 65535;ENAB?")


class Slow(MySupply):
    """A supply that ramps while later commands are carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.ramp: Deferred[None] = Deferred()

    async def set_voltage(self, volts: float) -> None:
        self.ramp = Deferred()
        self.status.overlap(self.ramp)


def test_opc_and_wai_wait_for_what_overlaps() -> None:
    """IEEE 488.2, 12.5: *OPC sets a bit, *OPC? answers and *WAI goes on, when all operations are over."""
    supply = Slow()
    ask = talk(supply)
    assert "128" == ask("*ESR?")
    assert "0.000;0" == ask("VOLT 5;*OPC;VOLT?;*ESR?")
    supply.ramp.callback(None)
    assert "1" == ask("*ESR?")
    assert "" == ask("VOLT 6;*OPC?")
    supply.ramp.callback(None)
    assert "1" == ask()
    assert "" == ask("VOLT 7;*WAI;VOLT?")
    supply.ramp.callback(None)
    assert "0.000" == ask()


def test_cls_and_rst_forget_opc() -> None:
    for word in ("*CLS", "*RST"):
        supply = Slow()
        ask = talk(supply)
        ask(f"*ESR?;VOLT 5;*OPC;{word}")
        supply.ramp.callback(None)
        assert "0" == ask("*ESR?")


def test_an_operation_that_fails_later_is_in_the_queue() -> None:
    supply = Slow()
    ask = talk(supply)
    ask("VOLT 5")
    assert supply.status.is_busy
    supply.ramp.errback(Fault(-240, "overheated"))
    assert '-240,"Hardware error;overheated"' == ask("SYST:ERR?")
    assert not supply.status.is_busy


def test_a_session_that_ends_while_it_waits_harms_no_other() -> None:
    supply = Slow()
    first = talk(supply)
    second = Talk(Wire(first.line.factory, first.line.clock))
    first("VOLT 5;*OPC?")
    second("*OPC?")
    first.line.lose()
    supply.ramp.callback(None)
    assert "1" == second()


def test_an_instrument_that_writes_its_errors_otherwise_is_declared_so(bench: Bench) -> None:
    class Odd(Supply):
        @command("SYSTem:ERRor[:NEXT]?", reply="{code:d}  {text}")
        async def next_error(self) -> ScpiError:
            """Return the oldest error, without quotes."""
            return self.status.take_error()

    class MyOdd(Odd, MySupply):
        pass

    mine = MyOdd()
    mine.status.add_error(Fault(-222))
    bench.serve(mine)
    assert [ScpiError(-222, "Data out of range")] == bench.result(bench.remote(Odd).errors())
    assert '0  No error' == talk(MyOdd())("SYST:ERR?")


def test_the_status_byte_is_a_heartbeat(bench: Bench) -> None:
    class Watched(Supply):
        heartbeat = "status_byte"

    class MyWatched(Watched, MySupply):
        pass

    bench.serve(MyWatched())
    supply = bench.remote(Watched, policy=PROFILES["lan"])
    assert 0.0 == bench.result(supply.voltage())
    bench.network.advance(30.0)
    bench.camera.hang()
    bench.until(lambda: link_of(supply).state is not LinkState.READY, 60.0)


def test_the_status_is_not_at_the_host(bench: Bench) -> None:
    with pytest.raises(Exception, match="a host asks errors"):
        bench.remote(Supply).status  # noqa: B018


@pytest.mark.parametrize("kind", [Instrument, Multimeter])
def test_every_command_passes_the_wire(kind: type[Instrument]) -> None:
    check_equipment(kind, max_examples=1)


def test_a_declaration_alone_is_simulated_with_its_queue_and_registers() -> None:
    """Its own commands have random values, and the base class carries out the others."""
    supply = simulated(Supply, seed=1)
    ask = talk(supply)
    float(ask("VOLT?"))
    assert ask("*IDN?").startswith("tcpcomm,Supply,")
    ask("FOO")
    assert ask("SYST:ERR?").startswith('-113,"Undefined header')


def multimeter() -> tuple[SimulatedMultimeter, Clock, Talk]:
    clock = Clock()
    meter = SimulatedMultimeter(clock)
    return meter, clock, talk(meter)


def test_the_multimeter_measures() -> None:
    meter, _, ask = multimeter()
    meter.volts, meter.amperes, meter.ohms = 1.25, -2e-3, 4.7e3
    assert "1.25000000E+00;-2.00000000E-03;4.70000000E+03" == ask("MEAS:VOLT?;CURR?;RES?")
    meter.volts = 11.0
    assert "9.90000000E+37;1" == ask("MEAS?;:STAT:QUES:COND?")
    assert "1.10000000E+01;0" == ask("VOLT:RANG 100 V;:MEAS?;:STAT:QUES:COND?")


def test_the_multimeter_takes_a_series_in_the_background() -> None:
    meter, clock, ask = multimeter()
    meter.volts = 2.5
    assert '-230,"Data corrupt or stale;no series was taken"' == ask("FETC?", "SYST:ERR?")
    assert "16" == ask("TRIG:DEL 20 MS;:SAMP:COUN 3;:INIT;:STAT:OPER:COND?")
    assert '-213,"Init ignored;a series is under way"' == ask("INIT", "SYST:ERR?")
    assert "" == ask("FETC?")
    clock.advance(0.06)
    assert "2.50000000E+00,2.50000000E+00,2.50000000E+00" == ask()
    assert "#212" + 3 * "\x40\x20\x00\x00" == ask("TRAC?")
    assert "0" == ask("INIT;*RST;:STAT:OPER:COND?")
    assert not meter.status.is_busy


def test_the_multimeter_is_asked_by_its_host(bench: Bench) -> None:
    mine = SimulatedMultimeter()
    mine.volts = Random(1).random()
    bench.serve(mine)
    meter = bench.remote(Multimeter)
    assert mine.volts == pytest.approx(bench.result(meter.voltage()))
    bench.result(meter.start())
    assert struct.pack(">f", mine.volts) == bench.result(meter.trace())
    assert bench.result(meter.show('say "hi"; it is #1')) is None
    assert 'say "hi"; it is #1' == bench.result(meter.shown())
    assert 10.0 == bench.result(meter.range())
