"""What a framing itself sends: refused options of Telnet, and the bytes before the first frame."""

from __future__ import annotations

from tcpcomm.framing import Delimited, Preamble, Telnet
from tests.session.stage import Spy, staged


class Console(Spy):
    framing = Telnet(Delimited(b"\r\n"))


class SerialServer(Spy):
    framing = Delimited(b"\r\n")
    reply_framing = Preamble(Delimited(b"\r\n"), b"\x00\x90\xe8\x12\x34\x56")


def test_the_options_of_a_terminal_are_refused_and_its_line_is_a_frame() -> None:
    stage = staged(Console)
    stage.receive(b"\xff\xfb\x01\xff\xfd\x03WH", b"O\r\n")
    stage.session.sendFrame(b"OK\xff")
    stage.settle()
    assert [b"WHO"] == stage.session.seen
    assert b"\xff\xfe\x01\xff\xfc\x03OK\xff\xff\r\n" == b"".join(stage.transport.sent())


def test_a_preamble_is_sent_once_before_the_first_frame() -> None:
    stage = staged(SerialServer)
    stage.settle()
    assert b"\x00\x90\xe8\x12\x34\x56" == b"".join(stage.transport.sent())
    stage.session.sendFrame(b"a")
    stage.session.sendFrame(b"b")
    stage.settle()
    assert b"a\r\nb\r\n" == b"".join(stage.transport.sent())
