"""Instruments: PyVISA asks ours, and our host asks those of Lewis and sinstruments."""

from __future__ import annotations

from tests.conftest import needs_module
from tests.docs.processes import free_port
from tests.interop.programs import printed

HINT = "pip install tcpcomm[interop]"
PROGRAM = "from tests.interop.devices.scpi_programs import {name}; {name}({port})"


def test_pyvisa_reads_the_multimeter_its_errors_and_its_blocks() -> None:
    for name in ("pyvisa", "pyvisa_py"):
        needs_module(name, HINT)
    assert ["served"] == printed(PROGRAM.format(name="with_pyvisa", port=""))


def test_our_host_asks_an_instrument_of_lewis() -> None:
    needs_module("lewis", HINT)
    assert ["-222: Data out of range"] == printed(PROGRAM.format(name="with_lewis", port=free_port()))


def test_our_host_asks_an_instrument_of_sinstruments() -> None:
    needs_module("sinstruments", "pip install tcpcomm[interop], not on Windows")
    assert ["-222: Data out of range"] == printed(PROGRAM.format(name="with_sinstruments", port=""))
