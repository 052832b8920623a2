"""PyVISA, the usual client of measuring instruments, with an instrument that is declared in Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import needs_module
from tests.docs.examples import ANY_PORT, serving

HINT = "pip install tcpcomm[test], which brings pyvisa and pyvisa-py"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    needs_module("pyvisa", HINT)
    needs_module("pyvisa_py", HINT)
    meter = f"{sys.executable} -m tests.interop.scpi_meter {ANY_PORT}"
    with serving(meter, tmp_path_factory.mktemp("meter")) as (_, found):
        yield found


@pytest.fixture(params=["\n", "\r\n"], ids=["lf", "crlf"])
def meter(port: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return the instrument as PyVISA opens it, with each of the line ends that its users set."""
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    found: Any = manager.open_resource(
        f"TCPIP0::127.0.0.1::{port}::SOCKET", write_termination=request.param, read_termination="\n"
    )
    found.timeout = 50_000
    yield found
    found.close()
    manager.close()


def test_a_query_is_answered_in_every_spelling(meter: Any) -> None:
    assert "SEED,MM7,0001,1.0" == meter.query("*IDN?") == meter.query("*idn?")
    meter.write("VOLT 2.5")
    for header in ("MEAS?", "meas:volt?", "MEASURE:VOLTAGE:DC?", ":MEASure:VOLTage?"):
        assert "2.500000E+00" == meter.query(header)


def test_several_commands_of_a_line_are_carried_out_in_their_order(meter: Any) -> None:
    """``*RST`` and ``VOLT`` take a while, and what follows must wait for them."""
    meter.write("VOLT 7;OUTP2 ON")
    assert "SEED,MM7,0001,1.0;0.000000E+00" == meter.query("*RST;*IDN?;MEAS?")
    assert "3.000000E+00;1" == meter.query("VOLT 3.0E0;:MEAS:VOLT?;*OPC?")
    assert "0;1" == meter.query("OUTP1 1;OUTP OFF;OUTP1?;*OPC?")


def test_values_of_an_array_are_read(meter: Any) -> None:
    assert [1.0, -2.5, 3e-6] == meter.query_ascii_values("FETC:ARR?")


def test_a_binary_block_goes_both_ways(meter: Any) -> None:
    wave = [*range(256), 10, 13, 59]
    meter.write_binary_values("DATA:WAV ", wave, datatype="B")
    assert wave == meter.query_binary_values("DATA:WAVeform?", datatype="B", container=list)


def test_a_text_in_quotes_goes_both_ways(meter: Any) -> None:
    meter.write("DISP:TEXT 'Slot #3999; \"A\", it''s on'")
    assert '"Slot #3999; ""A"", it\'s on"' == meter.query("DISP:TEXT?")


def test_a_wrong_command_is_not_answered_and_the_session_goes_on(meter: Any) -> None:
    for wrong in ("NONSENSE?", "VOLT 31", "VOLT abc", "OUTP3 ON", 'DISP:TEXT "open'):
        meter.write(wrong)
    assert "1" == meter.query("*OPC?")
