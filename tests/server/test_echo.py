"""One session of the echo/command server, in memory and with a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, capturedLogs, formatEvent

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing, LengthPrefixed, Lines, parse_framing
from tcpcomm.framing.autodetect import AutoDetect
from tcpcomm.server.echo import EchoFactory, EchoProtocol, check_encoding


@frozen
class Session:
    """A session, its peer, and its clock."""

    protocol: EchoProtocol
    transport: StringTransport
    clock: Clock

    def receive(self, data: bytes) -> None:
        """Let the peer send bytes."""
        self.protocol.dataReceived(data)

    @property
    def sent(self) -> bytes:
        """Return the bytes that were sent since the last call."""
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent

    def ask(self, line: str) -> str:
        """Send a line, and return the answer."""
        self.receive(f"{line}\r\n".encode())
        return self.sent.decode().removesuffix("\r\n")

    @property
    def closed(self) -> bool:
        """Return True if the session has closed its connection."""
        return self.transport.disconnecting


def open_session(factory: EchoFactory, port: int = 50432) -> Session:
    """The address of a peer."""
    clock = factory.clock
    assert isinstance(clock, Clock)
    protocol = factory.buildProtocol(IPv4Address("TCP", "192.168.0.10", port))
    assert isinstance(protocol, EchoProtocol)
    transport = StringTransport(peerAddress=IPv4Address("TCP", "192.168.0.10", port))
    protocol.makeConnection(transport)
    return Session(protocol, transport, clock)


def session(**options: Any) -> Session:
    """Make the only session of a server with these options."""
    return open_session(EchoFactory(clock=Clock(), **options))


def messages(events: Sequence[LogEvent]) -> list[str]:
    return [formatEvent(event) for event in events]


class TestReplies:
    """Messages come back in the form in which the peer sent them."""

    def test_a_text_without_an_end_mark_is_answered_after_the_gap_and_without_one(self) -> None:
        peer = session()

        peer.receive(b"Hello Server")
        peer.clock.advance(0.04)
        assert b"" == peer.sent
        peer.clock.advance(0.01)

        assert b"Echo: Hello Server" == peer.sent

    def test_a_line_is_answered_at_once(self) -> None:
        peer = session()

        peer.receive(b"Hello\nagain\r\n")

        assert b"Echo: Hello\nEcho: again\r\n" == peer.sent

    def test_a_first_line_of_fewer_than_four_bytes_is_answered_after_the_gap(self) -> None:
        peer = session()

        peer.receive(b"\r\n")
        assert b"" == peer.sent  # it could be the length 0x0A0D of a frame
        peer.clock.advance(0.05)
        assert b"Echo: \r\n" == peer.sent
        peer.receive(b"\r\n")

        assert b"Echo: \r\n" == peer.sent

    def test_a_prefixed_frame_may_pause_for_longer_than_the_gap(self) -> None:
        peer = session()

        for piece in (b"\0\0\0\5", b"Hel", b"lo"):
            peer.receive(piece)
            peer.clock.advance(1.0)

        assert b"\0\0\0\x0bEcho: Hello" == peer.sent

    def test_a_prefixed_frame_must_end_in_time(self) -> None:
        peer = session()

        peer.receive(b"\0\0\0\5Hel")
        peer.clock.advance(5.1)

        assert peer.closed

    def test_another_framing_answers_by_its_own_rule(self) -> None:
        peer = session(framing=LengthPrefixed(2), gap=None)

        peer.receive(b"\0\4PING")

        assert b"\0\4PONG" == peer.sent

    @pytest.mark.parametrize(
        ("size", "told"),
        [(200, b"Error: the reply cannot be sent: a frame of 206 bytes exceeds "), (8, b"Error")],
    )
    def test_a_message_whose_echo_is_too_long_gets_an_error_that_fits(self, size: int, told: bytes) -> None:
        peer = session(framing=Lines(max_frame=size), gap=None)

        peer.receive(b"x" * size + b"\r\nPING\r\n")

        error, pong, _ = peer.sent.split(b"\r\n")
        assert error.startswith(told)
        assert b"PONG" == pong
        assert not peer.closed

    def test_a_peer_to_which_no_error_fits_is_closed_and_the_log_says_why(self) -> None:
        peer = session(framing=Lines(max_frame=4), gap=None)

        with capturedLogs() as events:
            peer.receive(b"123\r\nPING\r\n")

        assert peer.closed
        assert b"" == peer.sent
        assert [
            "192.168.0.10:50432: the reply cannot be sent: a frame of 9 bytes exceeds max_frame=4: "
            "split it, or raise max_frame at both ends"
        ] == messages(events)

    def test_the_log_names_the_peer_when_it_connects_and_disconnects(self) -> None:
        with capturedLogs() as events:
            peer = session()
            peer.receive(b"QUIT\n")
            peer.protocol.connectionLost()

        assert [
            "192.168.0.10:50432: connected",
            "192.168.0.10:50432: disconnected: the peer said QUIT",
        ] == messages(events)


class TestCommands:
    """Messages that begin with a command."""

    def test_status_tells_uptime_sessions_and_frames(self) -> None:
        factory = EchoFactory(clock=Clock())
        first, second = open_session(factory, 1), open_session(factory, 2)
        first.receive(b"one\ntwo\n")
        first.protocol.connectionLost()
        second.clock.advance(12.5)

        assert (
            "uptime=12.5s sessions=1 sessions_total=2 frames_received=3 frames_sent=2"
            == second.ask("STATUS")
        )

    def test_who_shortens_a_long_list(self) -> None:
        factory = EchoFactory(clock=Clock(), max_sessions_per_address=None)
        peers = [open_session(factory, port) for port in range(10_001, 10_024)]

        told = peers[0].ask("WHO").split(", ")

        assert "192.168.0.10:10001" == told[0]
        assert 20 == len(told)
        assert told[-1].endswith(" and 3 more")

    def test_time_is_the_wall_clock_time(self) -> None:
        told = datetime.fromisoformat(session().ask("TIME"))

        assert abs(datetime.now().astimezone() - told) < timedelta(minutes=1)

    def test_quit_says_bye_closes_and_leaves_the_rest_unanswered(self) -> None:
        peer = session()

        assert "BYE" == peer.ask("QUIT\r\nPING")
        assert peer.closed

    @pytest.mark.parametrize(
        ("asked", "answered"),
        [
            ("PING", "PONG"),
            ("PING and more", "PONG"),
            ("PING\t", "PONG"),
            ("ECHO 검사", "검사"),
            ("ECHO", ""),
            ("ping", "Echo: ping"),
            ("PINGS", "Echo: PINGS"),
        ],
    )
    def test_the_first_word_decides(self, asked: str, answered: str) -> None:
        assert answered == session().ask(asked)

    def test_a_subclass_adds_commands_that_help_lists(self) -> None:
        class WithTrigger(EchoProtocol):
            def command_TRG(self, rest: str) -> str:
                """TRG job: take a picture."""
                return f"OK,{rest}"

        peer = session(protocol=WithTrigger)

        assert "OK,3" == peer.ask("TRG 3")
        assert "; TRG job: take a picture; " in peer.ask("HELP")


class TestText:
    """Text in several encodings."""

    @pytest.mark.parametrize(
        ("encoding", "data", "problem"),
        [
            ("utf-8", b"ab\xff", "byte 0xff at position 2"),
            ("cp949", b"\xff", "byte 0xff at position 0"),
            (
                "ascii",
                "é".encode(),
                "byte 0xc3 at position 0; it may be utf-8: start the server with --encoding utf-8",
            ),
            (
                "utf-8",
                "검사 시작".encode("cp949"),
                "byte 0xb0 at position 0; it may be cp949: start the server with --encoding cp949",
            ),
            ("shift_jis", b"\x81", "byte 0x81 at position 0"),
        ],
    )
    def test_bytes_that_are_not_text_are_answered_with_an_error_and_the_session_lives_on(
        self, encoding: str, data: bytes, problem: str
    ) -> None:
        peer = session(encoding=encoding)

        with capturedLogs() as events:
            peer.receive(data + b"\nPING\n")

        assert f"Error: the message is not {encoding}: {problem}\nPONG\n".encode() == peer.sent
        assert [f"192.168.0.10:50432: the message is not {encoding}: {problem}"] == messages(events)

    def test_a_flood_of_bytes_that_are_not_text_does_not_fill_the_log(self) -> None:
        peer = session()

        with capturedLogs() as events:
            peer.receive(b"\xff\n" * 1000)
            peer.clock.advance(10.0)
            peer.receive(b"\xff\n")

        assert 1001 == peer.sent.count(b"Error: the message is not utf-8: byte 0xff at position 0\n")
        first = "192.168.0.10:50432: the message is not utf-8: byte 0xff at position 0"
        assert [first, f"{first}, and 999 more"] == messages(events)

    @pytest.mark.parametrize("encoding", ["utf-8", "cp949", "euc-kr", "utf-16-le", "utf-16"])
    def test_korean_comes_back(self, encoding: str) -> None:
        framing = LengthPrefixed(2)
        peer = session(encoding=encoding, framing=framing, gap=None)

        peer.receive(framing.encode("검사 시작".encode(encoding)))

        assert framing.encode("Echo: 검사 시작".encode(encoding)) == peer.sent

    @pytest.mark.parametrize(
        ("encoding", "framing"),
        [
            ("utf-8", AutoDetect()),
            ("UTF8", AutoDetect()),
            ("cp949", AutoDetect()),
            ("latin-1", Lines()),
            ("utf-16", parse_framing("length:4")),
            ("cp037", parse_framing("netstring")),
        ],
    )
    def test_an_encoding_whose_line_ends_the_framing_carries_is_accepted(
        self, encoding: str, framing: Framing
    ) -> None:
        check_encoding(encoding, framing)

    @pytest.mark.parametrize(
        ("encoding", "framing"),
        [("utf-16", AutoDetect()), ("utf-16-le", Lines()), ("cp037", parse_framing(r"delimited:\r"))],
    )
    def test_an_encoding_with_text_that_looks_like_line_ends_is_refused(
        self, encoding: str, framing: Framing
    ) -> None:
        with pytest.raises(ConfigurationError, match="use it with a framing such as length:4"):
            check_encoding(encoding, framing)

    @pytest.mark.parametrize("encoding", ["klingon", "rot13", "base64", "idna", "punycode", "undefined"])
    def test_a_name_that_is_not_a_text_encoding_is_refused(self, encoding: str) -> None:
        with pytest.raises(ConfigurationError, match=f"no text encoding is called '{encoding}'"):
            check_encoding(encoding, LengthPrefixed(4))

    def test_a_factory_refuses_a_wrong_encoding_too(self) -> None:
        refuse: Callable[..., EchoFactory] = EchoFactory

        with pytest.raises(ConfigurationError, match="no text encoding"):
            refuse(encoding="klingon")
