"""Bad bytes from a host or from a controller: each caller is told, and no other message suffers."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import BadReply, Fault, OutcomeUnknown
from tcpcomm.devices.slmp import Memory, Slmp, Slmp4E
from tests.equipment.declared import PORT, Bench

READ_D0 = bytes.fromhex("5000 00FFFF0300 0C00 1000 0104 0000 000000A8 0100")
READ_D0_4E = bytes.fromhex("5400 0000 0000 00FFFF0300 0C00 1000 0104 0000 000000A8 0100")
SEVEN = bytes.fromhex("D000 00FFFF0300 0400 0000 0700")


class Wire(Protocol):
    """A program that keeps what it receives, and always gives the same answer."""

    def __init__(self, answer: bytes = b"") -> None:
        self.received = b""
        self.answer = answer

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        assert self.transport is not None
        self.transport.write(self.answer)


def host(bench: Bench) -> Any:
    """Connect a foreign program to the controller."""
    factory: Any = Factory.forProtocol(Wire)
    return bench.result(bench.robot.connecting(bench.camera, PORT).connect(factory))


def controller(bench: Bench, answer: bytes) -> None:
    """Have a foreign program stand in for the controller."""

    class Devices(Factory):
        def buildProtocol(self, addr: object) -> Wire:
            return Wire(answer)

    bench.camera.listening(PORT).listen(Devices())


def wrong_reply(bench: Bench, answer: str, kind: type[Slmp] = Slmp) -> Any:
    """Return what the host tells about a reply to the read of D0."""
    controller(bench, bytes.fromhex(answer))
    return bench.result(bench.remote(kind).read("D0"), within=30.0)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("5000 00FFFF0300 0C00 1000 9999 0000 000000A8 0100", "59C0"),
        ("5000 00FFFF0300 0C00 1000 0104 4000 000000A8 0100", "59C0"),
        ("5000 00FFFF0300 0C00 1000 0104 0000 000000FF 0100", "5CC0"),
        ("5000 00FFFF0300 0B00 1000 0104 0000 000000A8 01", "61C0"),
        ("5000 00FFFF0300 0D00 1000 0104 0000 000000A8 010000", "61C0"),
        ("5000 00FFFF0300 0400 1000 0104", "61C0"),
        ("5000 00FFFF0300 1000 1000 0114 0000 000000A8 0300 0100 0200", "61C0"),
        ("5000 00FFFF0300 0F00 1000 0114 0000 000000A8 0100 010000", "61C0"),
    ],
    ids=[
        "no such command",
        "no such subcommand",
        "no such device",
        "too short",
        "too long",
        "no subcommand",
        "a write of three words with two",
        "a write of one word and a half",
    ],
)
def test_a_wrong_request_is_refused_whole_and_the_session_goes_on(
    bench: Bench, wrong: str, code: str
) -> None:
    memory = Memory()
    memory["D0"] = 7
    bench.serve(memory)
    wire = host(bench)
    wire.transport.write(bytes.fromhex(wrong) + READ_D0)
    bench.until(lambda: wire.received.endswith(SEVEN))
    refusal = wire.received.removesuffix(SEVEN)
    assert f"D00000FFFF03000B00{code}00FFFF0300" == refusal[:-4].hex().upper()


def test_bytes_that_are_no_message_are_skipped_to_the_next_subheader(bench: Bench) -> None:
    memory = Memory()
    memory["D0"] = 7
    bench.serve(memory)
    wire = host(bench)
    wire.transport.write(b"GET / \r\n" + READ_D0_4E + READ_D0)
    bench.until(lambda: wire.received == SEVEN)


def test_half_a_message_harms_no_other_session(bench: Bench) -> None:
    memory = Memory()
    memory["D0"] = 7
    bench.serve(memory)
    half, other = host(bench), host(bench)
    half.transport.write(READ_D0[:-1])
    other.transport.write(READ_D0)
    bench.until(lambda: other.received == SEVEN)
    assert half.received == b""


def test_a_reply_of_another_station_is_refused(bench: Bench) -> None:
    error = wrong_reply(bench, "D000 0002FF0300 0400 0000 0700")
    assert isinstance(error, BadReply)
    assert "station: must be 255, as in the request, not 2" in str(error)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("D000 00FFFF0300 0200 0000", "needs 2 bytes, but the frame has 0 left"),
        ("D000 00FFFF0300 0600 0000 0700 0800", "the frame has 2 bytes too many at its end"),
        ("D000 00FFFF0300 0300 0000 07", "needs 2 bytes, but the frame has 1 left"),
    ],
    ids=["no word", "two words", "half a word"],
)
def test_a_reply_with_another_number_of_words_is_refused(bench: Bench, answer: str, problem: str) -> None:
    error = wrong_reply(bench, answer)
    assert isinstance(error, BadReply)
    assert problem in str(error)


def test_a_fault_with_more_details_than_the_manual_has_is_told(bench: Bench) -> None:
    error = wrong_reply(bench, "D000 00FFFF0300 0D00 5EC0 0105FF0300 0104 0000 AABB")
    assert isinstance(error, Fault)
    assert "end code C05E, the target did not answer within the monitoring timer" == error.reason
    assert (1, 5, b"\xaa\xbb") == (error.data.network, error.data.station, error.data.more)


def test_a_code_without_words_is_told_as_a_number(bench: Bench) -> None:
    error = wrong_reply(bench, "D000 00FFFF0300 0200 FFCF")
    assert ("53247", 0xCFFF) == (str(error), error.code)


def test_a_reply_with_another_serial_number_answers_nothing(bench: Bench) -> None:
    error = wrong_reply(bench, "D400 3412 0000 00FFFF0300 0400 0000 0700", Slmp4E)
    assert isinstance(error, OutcomeUnknown)
