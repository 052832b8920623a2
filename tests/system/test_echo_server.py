"""Without options, ``twistd -n tcpcomm`` answers each peer in the form of its messages."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.conftest import skip
from tests.system.peer import Peer
from tests.system.running import Server

ENDINGS = [b"\r\n", b"\n", b"\r"]

Connect = Callable[..., Peer]
Serve = Callable[..., Server]


def conversation(port: int, *sent: bytes) -> bytes:
    """Send bytes, end the sending side, and return all answers."""
    with Peer(port) as peer:
        for each in sent:
            peer.send(each)
        peer.finish()
        return peer.rest()


def let_the_gap_pass(port: int) -> None:
    """Wait until the server has ended a silence that began after this call."""
    with Peer(port) as other:
        other.send(b"tick")
        assert b"Echo: tick" == other.receive(10)


class TestEndings:
    """A peer is answered with the end of message that it uses itself."""

    def test_the_naive_client_receives_exactly_what_it_expects(
        self, server: Server, connect: Connect
    ) -> None:
        peer = connect(server.port)

        peer.send(b"Hello Server")

        assert b"Echo: Hello Server" == peer.receive(len(b"Echo: Hello Server"))
        peer.finish()
        assert b"" == peer.rest()

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_a_line_is_answered_with_its_own_ending(self, server: Server, ending: bytes) -> None:
        answered = conversation(server.port, b"Hello" + ending + b"PING" + ending)

        assert b"Echo: Hello" + ending + b"PONG" + ending == answered

    def test_a_carriage_return_is_answered_after_the_gap_and_not_only_at_the_end(
        self, server: Server, connect: Connect
    ) -> None:
        peer = connect(server.port)

        peer.send(b"Hello\r")

        assert b"Echo: Hello\r" == peer.receive(12)

    def test_a_peer_that_changes_its_endings_is_answered_line_by_line(self, server: Server) -> None:
        answered = conversation(server.port, b"a\r\nb\nc\rd")

        assert b"Echo: a\r\nEcho: b\nEcho: c\rEcho: d" == answered

    def test_peers_of_every_kind_are_served_at_the_same_time(
        self, server: Server, connect: Connect
    ) -> None:
        peers = {ending: connect(server.port) for ending in [*ENDINGS, b""]}
        prefixed = connect(server.port)

        for ending, peer in peers.items():
            peer.send(b"Hello" + ending)
        prefixed.send(b"\0\0\0\5Hello")

        assert {ending: b"Echo: Hello" + ending for ending in peers} == {
            ending: peer.receive(len(b"Echo: Hello" + ending)) for ending, peer in peers.items()
        }
        assert b"\0\0\0\x0bEcho: Hello" == prefixed.receive(15)

    def test_an_empty_line_is_echoed_as_an_empty_message(self, server: Server) -> None:
        assert b"Echo: \r\nPONG\r\n" == conversation(server.port, b"\r\nPING\r\n")

    def test_a_line_that_arrives_in_pieces_is_one_message(self, serve: Serve, connect: Connect) -> None:
        peer = connect(serve("--gap", "600").port)  # no pause of a busy machine ends the message
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        for byte in b"Hello Server\n":
            peer.send(bytes([byte]))

        assert b"Echo: Hello Server\n" == peer.line()

    def test_lines_that_arrive_together_are_answered_each(self, server: Server) -> None:
        answered = conversation(server.port, b"".join(b"%d\n" % number for number in range(1000)))

        assert [b"Echo: %d" % number for number in range(1000)] == answered.splitlines()

    @pytest.mark.parametrize(
        ("asked", "answered"),
        [
            (b"\0\0\0\5Hello", b"\0\0\0\x0bEcho: Hello"),
            (b"\5\0\0\0Hello", b"\x0b\0\0\0Echo: Hello"),
            (b"\0\0\0\4PING", b"\0\0\0\4PONG"),
            (b"\0\0\0\0", b"\0\0\0\6Echo: "),
        ],
    )
    def test_a_length_prefix_is_answered_with_one_of_the_same_byte_order(
        self, server: Server, asked: bytes, answered: bytes
    ) -> None:
        assert answered == conversation(server.port, asked)

    def test_a_silence_between_a_length_and_the_rest_does_not_end_the_message(
        self, server: Server, connect: Connect
    ) -> None:
        peer = connect(server.port)

        peer.send(b"\0\0\0\5")
        let_the_gap_pass(server.port)
        peer.send(b"Hello")

        assert b"\0\0\0\x0bEcho: Hello" == peer.receive(15)


class TestCommands:
    """A message that begins with a command is carried out."""

    def test_help_names_every_command(self, server: Server, connect: Connect) -> None:
        text = connect(server.port).ask(b"HELP").decode()

        assert ["ECHO", "HELP", "PING", "QUIT", "STATUS", "TIME", "WHO"] == sorted(
            set(re.findall(r"\b[A-Z]{3,}\b", text)) - {"PONG", "BYE", "ISO"}
        )

    def test_ping_is_answered_with_pong(self, server: Server, connect: Connect) -> None:
        assert b"PONG" == connect(server.port).ask(b"PING")

    def test_time_is_now_with_its_offset_from_utc(self, server: Server, connect: Connect) -> None:
        told = datetime.fromisoformat(connect(server.port).ask(b"TIME").decode())

        assert told.utcoffset() is not None
        assert abs(datetime.now().astimezone() - told) < timedelta(minutes=1)

    def test_status_counts_from_the_server_s_start(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        conversation(server.port, b"one\ntwo\n")
        peer = connect(server.port)
        connect(server.port).ask(b"PING")

        status = peer.ask(b"STATUS").decode()

        assert re.fullmatch(
            r"uptime=\d+\.\ds sessions=2 sessions_total=3 frames_received=4 frames_sent=3", status
        ), status

    def test_who_names_the_asking_peer_and_then_the_others(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        others = [connect(server.port) for _ in range(3)]
        peer = connect(server.port)
        server.wait_for(r"\bconnected", count=4)

        names = peer.ask(b"WHO").decode().split(", ")

        assert [peer.name, *sorted(other.name for other in others)] == names

    def test_echo_answers_with_the_text_alone(self, server: Server, connect: Connect) -> None:
        assert b"a  b " == connect(server.port).ask(b"ECHO a  b ")

    def test_quit_is_answered_and_closes_the_session(self, server: Server, connect: Connect) -> None:
        peer = connect(server.port)

        peer.send(b"QUIT\nPING\n")

        assert b"BYE\n" == peer.rest()
        server.wait_for(re.escape(peer.name) + ": disconnected: the peer said QUIT")

    @pytest.mark.parametrize("text", ["ping", "PINGPONG", "Hello PING", " PING", "__class__", "NOSUCH x"])
    def test_anything_else_is_echoed(self, server: Server, connect: Connect, text: str) -> None:
        assert f"Echo: {text}".encode() == connect(server.port).ask(text.encode())


class TestText:
    """The encoding decides which bytes are text."""

    def test_korean_travels_in_utf_8(self, server: Server, connect: Connect) -> None:
        assert "Echo: 검사 시작".encode() == connect(server.port).ask("검사 시작".encode())

    def test_bytes_that_are_not_utf_8_are_answered_with_an_error_and_the_session_lives_on(
        self, server: Server, connect: Connect
    ) -> None:
        peer = connect(server.port)

        answered = peer.ask(b"ab\xff\xfe")

        assert b"Error: the message is not utf-8: byte 0xff at position 2" == answered
        assert b"PONG" == peer.ask(b"PING")
        server.wait_for(re.escape(f"{peer.name}: the message is not utf-8: byte 0xff at position 2"))

    def test_an_error_is_answered_in_the_form_of_the_peer_s_messages_too(self, server: Server) -> None:
        answered = conversation(server.port, b"\0\0\0\2\xff\xff")

        assert answered[4:].startswith(b"Error: ")
        assert len(answered) - 4 == int.from_bytes(answered[:4], "big")

    def test_korean_travels_in_cp949(self, serve: Serve, connect: Connect) -> None:
        peer = connect(serve("--encoding", "cp949").port)

        assert "Echo: 검사 시작".encode("cp949") == peer.ask("검사 시작".encode("cp949"))

    def test_bytes_that_are_not_cp949_are_answered_with_an_error(
        self, serve: Serve, connect: Connect
    ) -> None:
        peer = connect(serve("--encoding", "cp949").port)

        assert b"Error: the message is not cp949: byte 0xff at position 0" == peer.ask(b"\xff")
        assert b"PONG" == peer.ask(b"PING")

    def test_an_encoding_of_two_byte_units_travels_behind_a_length(
        self, serve: Serve, connect: Connect
    ) -> None:
        server = serve("--encoding", "utf-16-le", "--framing", "length:2")
        asked, answered = "안녕".encode("utf-16-le"), "Echo: 안녕".encode("utf-16-le")
        peer = connect(server.port)

        peer.send(len(asked).to_bytes(2, "big") + asked)

        assert len(answered).to_bytes(2, "big") + answered == peer.receive(2 + len(answered))


def test_without_options_it_listens_at_port_9999_of_this_machine_only(connect: Connect) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 9999))
        except OSError as error:
            skip(f"port 9999 is taken on this machine: {error}")

    with Server() as server:
        server.wait_for(r"listening on 127\.0\.0\.1:9999 ")
        assert b"PONG" == connect(9999).ask(b"PING")
