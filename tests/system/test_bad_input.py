"""
Peers do wrong things, by mistake or on purpose.

Each time the log must say why, memory must stay bounded, and other sessions must be answered meanwhile.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import pytest

from tcpcomm.framing import parse_framing
from tests.conftest import needs_module, skip
from tests.system.peer import Peer
from tests.system.running import DEADLINE, Server
from tests.system.witness import Witness

Connect = Callable[..., Peer]
Serve = Callable[..., Server]

MIB: Final = 1024 * 1024

def app(name: str) -> tuple[str, ...]:
    """Return the options for a server of an application of the tests."""
    return ("--app", f"tests.system.applications:{name}", "--gap", "none")


IMPATIENT: Final = app("ImpatientFactory")


@contextmanager
def bounded(server: Server, growth: int = 8 * MIB) -> Iterator[None]:
    """Check that the server's memory never grows by more than this within the block."""
    before = server.memory()
    yield
    grown = server.memory() - before
    assert grown <= growth, f"the server's memory grew by {grown / MIB:.1f} MiB"


def send_until_dropped(peer: Peer, data: bytes) -> None:
    """Send the same bytes again and again, until the server closes the connection."""
    try:
        for _ in range(100_000):
            peer.send(data)
    except ConnectionError:
        return
    pytest.fail("the session never ended")


def reset(peer: Peer) -> None:
    """Close a connection with a reset."""
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize(
    ("framing", "empty"),
    [
        ("lines", b"\n"),
        ("length:4", b"\0\0\0\0"),
        ("stx-etx,bcc=xor", b"\x02\x03\x03"),
        ("netstring", b"0:,"),
    ],
)
def test_a_message_of_no_bytes_is_a_message(
    serve: Serve, connect: Connect, framing: str, empty: bytes
) -> None:
    server, rule = serve("--framing", framing), parse_framing(framing)
    peer = connect(server.port)

    peer.send(empty + rule.encode(b"PING"))

    answered = rule.encode(b"Echo: ") + rule.encode(b"PONG")
    assert answered == peer.receive(len(answered))


@pytest.mark.parametrize(
    ("framing", "header", "reason"),
    [
        ("length:1,max=100", b"\xff", "a frame of 255 bytes exceeds max_frame=100"),
        ("length:2,max=1000", b"\xff\xff", "a frame of 65535 bytes exceeds max_frame=1000"),
        ("length:4", b"\xff\xff\xff\xff", "a frame of 4294967295 bytes exceeds max_frame=1048576"),
        ("length:4,little", b"\1\0\x10\0", "a frame of 1048577 bytes exceeds max_frame=1048576"),
        ("length:8", b"\xff" * 8, "a frame of 18446744073709551615 bytes exceeds max_frame=1048576"),
        ("length:2,adjust=-2", b"\0\1", "the length field says 1: with adjust=-2 that is less than"),
        ("length:4,hex", b"00G0", "the length field holds b'00G0', which is not a hex number"),
    ],
)
def test_an_impossible_length_ends_the_session_at_once(
    serve: Serve, connect: Connect, framing: str, header: bytes, reason: str
) -> None:
    server, rule = serve("--framing", framing), parse_framing(framing)
    peer = connect(server.port)

    with Witness(server.port, rule), bounded(server):
        peer.send(rule.encode(b"PING") + header)
        assert rule.encode(b"PONG") == peer.rest()

    server.wait_for(re.escape(f"{peer.name}: disconnected: the framing was broken: {reason}"))


@pytest.mark.parametrize(
    ("framing", "faulty", "reason"),
    [
        (r"length:2,offset=2,sync=\xaa\x55", b"garbage", r"a frame must begin with b'\xaaU', not with"),
        ("stx-etx", b"garbage", r"a frame must begin with b'\x02'; bytes from b'g' on are ignored"),
        (
            "stx-etx,bcc=xor",
            b"\x02PING\x03\x14",
            "7 bytes came whose xor over bytes 1 to 5 is 14, not ",
        ),
        ("stx-etx", b"\x02PI", "a new frame begins in the middle of a frame"),
        ("lines,max=10", b"12345678901\n", "a frame exceeds max_frame=10"),
    ],
)
def test_if_the_framing_can_find_the_next_frame_the_session_goes_on(
    serve: Serve, connect: Connect, framing: str, faulty: bytes, reason: str
) -> None:
    server, rule = serve("--framing", framing), parse_framing(framing)
    peer = connect(server.port)

    with Witness(server.port, rule), bounded(server):
        peer.send(faulty + rule.encode(b"PING"))
        assert rule.encode(b"PONG") == peer.receive(len(rule.encode(b"PONG")))

    server.wait_for(re.escape(f"{peer.name}: {reason}"))


def test_a_reply_that_holds_the_terminator_is_not_sent_but_an_error(serve: Serve, connect: Connect) -> None:
    server = serve("--framing", "delimited:;")
    peer = connect(server.port)

    with Witness(server.port, parse_framing("delimited:;")):
        peer.send(b"HELP;PING;")
        error = b"Error: the reply cannot be sent: the delimiter would be found"
        assert error == peer.receive(len(error))
        peer.send(b"QUIT;")
        assert peer.rest().endswith(b";PONG;BYE;")

    server.wait_for(re.escape(peer.name) + ": the reply cannot be sent: the delimiter would be found at")


@pytest.mark.parametrize("framing", ["lines", "length:4"])
def test_a_message_of_the_greatest_length_gets_an_error_because_its_echo_is_longer(
    serve: Serve, connect: Connect, framing: str
) -> None:
    server, rule = serve("--framing", framing), parse_framing(framing)
    peer = connect(server.port)
    problem = f"the reply cannot be sent: a frame of {MIB + 6} bytes exceeds max_frame={MIB}: "
    whole = f"Error: {problem}split it, or raise max_frame at both ends".encode()

    peer.send(rule.encode(b"x" * MIB) + rule.encode(b"PING"))

    expected = rule.encode(whole) + rule.encode(b"PONG")
    assert expected == peer.receive(len(expected))
    server.wait_for(re.escape(f"{peer.name}: {problem}"))


@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        (Peer.finish, "the peer hung up"),
        (Peer.close, "the peer hung up"),
        (reset, "(?:the peer reset the connection|the connection broke)"),
    ],
)
def test_a_peer_that_leaves_in_the_middle_of_a_message_is_logged(
    serve: Serve, connect: Connect, leave: Callable[[Peer], None], reason: str
) -> None:
    server, rule = serve("--framing", "length:4"), parse_framing("length:4")
    peer = connect(server.port)
    name = re.escape(peer.name)

    with Witness(server.port, rule):
        peer.send(b"\0\0\0\5Hel")
        server.wait_for(f"{name}: connected")
        leave(peer)
        server.wait_for(f"{name}: disconnected: {reason}")

    server.wait_for(f"{name}: .*in the middle of a frame")


@pytest.mark.parametrize("framing", ["lines", "length:4"])
def test_a_peer_that_sends_single_bytes_slowly_is_dropped(
    serve: Serve, connect: Connect, framing: str
) -> None:
    server, rule = serve(*IMPATIENT, "--framing", framing), parse_framing(framing)
    peer = connect(server.port)
    peer.socket.settimeout(0.05)  # the time between two bytes

    with Witness(server.port, rule), bounded(server):
        for byte in b"\0\0\x01\0" + bytes(int(DEADLINE / 0.05)):
            try:
                peer.send(bytes([byte or 0x20 if framing == "lines" else byte]))
                if peer.socket.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("the session never ended")

    server.wait_for(
        re.escape(peer.name)
        + r": disconnected: the peer began a frame and did not finish it within \d+\.\d s"
    )


def test_a_peer_that_never_sends_a_terminator_is_dropped(serve: Serve, connect: Connect) -> None:
    server = serve(*app("WaitingFactory"), "--framing", "lines")
    peer = connect(server.port)

    with Witness(server.port), bounded(server, 16 * MIB):
        send_until_dropped(peer, bytes(64 * 1024))

    server.wait_for(re.escape(peer.name) + ": a frame exceeds max_frame=1048576")
    server.wait_for(re.escape(peer.name) + ": disconnected: the peer began a frame and did not finish it")
    assert server.count(re.escape(peer.name)) <= 4


def test_a_peer_that_never_reads_is_dropped_and_needs_little_memory(serve: Serve, connect: Connect) -> None:
    server = serve(*app("HastyFactory"), "--framing", "lines")
    peer = connect(server.port)

    with Witness(server.port), bounded(server, 16 * MIB):
        send_until_dropped(peer, b"ECHO %s\n" % bytes(1000) * 64)

    server.wait_for(
        re.escape(peer.name) + r": disconnected: the peer does not read: it took nothing for 0\.5 s"
    )


class TestManyPeers:
    """A server gets 2,000 connections at once."""

    @pytest.fixture(autouse=True)
    def _enough_files(self) -> Iterator[None]:
        needs_module("resource", "Windows does not have it, and its select reactor has 512 sockets")
        import resource

        wanted = 2 * self.PEERS
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < wanted:
            skip(f"a process may open {hard} files here, and this needs {wanted}")
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            yield
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        else:
            yield

    PEERS = 2000

    def storm(self, port: int) -> list[bytes]:
        """Connect all at once and ask on each. Return the answers until each is closed."""
        with ExitStack() as stack:
            peers = [stack.enter_context(socket.socket()) for _ in range(self.PEERS)]
            for peer in peers:
                peer.setblocking(False)
                peer.connect_ex(("127.0.0.1", port))
            answers = []
            for peer in peers:
                peer.settimeout(DEADLINE)
                with suppress(ConnectionError):  # it may be dropped already
                    peer.sendall(b"PING\n")
            for peer in peers:
                try:
                    answers.append(peer.recv(100))
                except ConnectionError:
                    answers.append(b"")
        return answers

    def test_all_are_served_if_the_limits_allow_it(self, serve: Serve) -> None:
        server = serve("--max-sessions", "3000", "--max-sessions-per-address", "3000")

        with Witness(server.port), bounded(server, 64 * MIB):
            assert [b"PONG\n"] * self.PEERS == self.storm(server.port)

    def test_connections_beyond_the_limits_are_dropped_and_the_log_stays_small(self, serve: Serve) -> None:
        server = serve("--max-sessions-per-address", "100")

        with Witness(server.port), bounded(server, 16 * MIB):
            answers = self.storm(server.port)

        assert {b"", b"PONG\n"} == set(answers)
        assert 99 <= answers.count(b"PONG\n") < 200
        server.wait_for("connection refused: its address has 100 sessions, which is max_sessions_per_addr")
        assert server.count("connection refused") <= 20


@pytest.mark.parametrize("pieces", [1, 2], ids=["at once", "in pieces"])
def test_a_web_page_cannot_command_the_server(serve: Serve, connect: Connect, pieces: int) -> None:
    server = serve("--gap", "600")  # the pieces of a message may come late
    peer = connect(server.port)
    request = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:9999\r\nContent-Length: 10\r\n\r\nWHO\r\nPING\r\n"
    if pieces > 1:
        peer.send(request[:2])
    peer.send(request[2:] if pieces > 1 else request)

    assert b"" == peer.rest()
    (line,) = server.wait_for("sent an HTTP request")
    assert "--allow-http" in line
