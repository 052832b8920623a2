"""A capture of a public protocol gives the ready device that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm.devices.catalogue import find_device
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.binary.ready_device import DEVICES, NOTATIONS, device_page, with_device
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.search import guess_framing


def modbus(function: int = 3) -> Capture:
    """Return requests for one to three registers, with their replies."""
    chunks = []
    for number in range(20):
        count = 1 + number % 3
        asked = bytes([0, number, 0, 0, 0, 6, 1, function, 0, number * 7, 0, count])
        values = b"".join(bytes([number, place * 9]) for place in range(count))
        told = bytes([0, number, 0, 0, 0, 3 + len(values), 1, function, len(values)]) + values
        chunks += [CapturedChunk(OPENER, asked), CapturedChunk(ANSWERER, told)]
    return Capture(tuple(chunks), from_start=True)


def test_the_device_of_a_known_header_is_found_if_it_reads_the_messages() -> None:
    capture = modbus()
    found = with_device(capture, guess_framing(capture))
    assert "modbus" == found.device
    assert "the ready device modbus reads 40 of 40 messages" == found.facts[0]


def test_a_device_that_cannot_read_the_messages_is_not_offered() -> None:
    capture = modbus(function=0x63)
    guess = guess_framing(capture)
    assert guess.best is not None
    assert "this is the header of Modbus TCP" in guess.best.evidence
    assert guess == with_device(capture, guess)


def test_a_framing_that_no_other_protocol_has_names_its_device() -> None:
    asked, told = bytes.fromhex("010300000001840a"), bytes.fromhex("0103020000b844")
    chunks = (CapturedChunk(OPENER, asked), CapturedChunk(ANSWERER, told)) * 6
    framings = ("modbus-rtu-request,check=crc-16/modbus", "modbus-rtu-reply,check=crc-16/modbus")
    guess = Guess(verdict=Verdict.LIKELY, best=Explanation(framings=framings))
    assert "modbus-rtu" == with_device(Capture(chunks), guess).device
    assert "" == with_device(Capture(chunks), Guess(verdict=Verdict.NOTHING, best=guess.best)).device


@pytest.mark.parametrize("name", [*DEVICES.values(), *NOTATIONS.values()])
def test_each_device_and_its_page_exist(name: str) -> None:
    assert name == find_device(name).name
    assert (Path(__file__).parents[4] / device_page(name)).is_file()
