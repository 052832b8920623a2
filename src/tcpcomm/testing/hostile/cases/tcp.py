"""Bad manners of TCP peers: how they connect, stop, reset and stall. Numbers 101 to 149."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from time import monotonic, sleep

from tcpcomm.testing.hostile.case import OTHERS_SERVED, SERVED_OR_CLOSED, case
from tcpcomm.testing.hostile.connection import OPEN, Connection
from tcpcomm.testing.hostile.target import ANSWERED, SILENT, CannotConnect, Target
from tcpcomm.testing.hostile.verdict import KINDS, PSK, TLS, wrong

_MANY = 100
_PROTECTED = (PSK, TLS)
_UNPROTECTED = tuple(kind for kind in KINDS if kind not in _PROTECTED)


@case(101, "connect and close", sends="nothing", right=OTHERS_SERVED)
def connect_and_close(target: Target) -> None:
    """Connect and close a hundred times, like a port scanner."""
    for _ in range(_MANY):
        with suppress(CannotConnect):
            target.connect().close()


@case(102, "connect and reset", sends="RST", right=OTHERS_SERVED)
def connect_and_reset(target: Target) -> None:
    """Connect and reset a hundred times."""
    for _ in range(_MANY):
        with suppress(CannotConnect):
            target.connect().reset()


@case(103, "half close behind a request", sends="a request, FIN", right="the reply arrives, then FIN")
def half_close(target: Target) -> str | None:
    """Send a request and close the sending direction: the reply must still arrive."""
    with target.open() as peer:
        request = target.request()
        peer.send(request.wire)
        if target.kind == TLS:
            return _half_close_of_tls(target, peer)
        peer.finish()
        outcome = target.outcome(peer, request)
        if outcome != ANSWERED:
            wrong(f"did not answer before the end: {outcome}")
        target.must_close(peer)
    return None


def _half_close_of_tls(target: Target, peer: Connection) -> str:
    with suppress(OSError):
        peer.socket.shutdown(socket.SHUT_WR)
    return f"TLS ends both directions at once: {peer.end(within=target.options.within)}"


@case(104, "half close at once", sends="FIN", right="the connection is closed")
def half_close_at_once(target: Target) -> None:
    """Close the sending direction before anything was sent."""
    with target.connect() as peer:
        peer.finish()
        target.must_close(peer)


@case(105, "half close inside a message", sends="half a request, FIN", right="the connection is closed")
def half_close_inside(target: Target) -> None:
    """Close the sending direction when half of a request was sent."""
    with target.open() as peer:
        wire = target.request().wire
        peer.send(wire[: len(wire) // 2])
        if target.kind == TLS:
            peer.close()
            return
        peer.finish()
        target.must_close(peer)


@case(106, "reset inside a message", sends="half a request, RST", right=OTHERS_SERVED)
def reset_inside(target: Target) -> None:
    """Reset the connection when half of a request was sent, fifty times."""
    for _ in range(50):
        with suppress(CannotConnect), target.open() as peer:
            wire = target.request().wire
            peer.send(wire[: len(wire) // 2])
            peer.reset()


@case(107, "reset instead of the reply", sends="a request, RST", right=OTHERS_SERVED)
def reset_before_reply(target: Target) -> None:
    """Send a request and reset the connection before its reply was read, fifty times."""
    for _ in range(50):
        with suppress(CannotConnect), target.open() as peer:
            peer.send(target.request().wire)
            peer.reset()


@case(108, "reset behind the reply", sends="a request; RST when the reply came", right=OTHERS_SERVED)
def reset_after_reply(target: Target) -> None:
    """Reset the connection when the reply was read, fifty times."""
    for _ in range(50):
        with suppress(CannotConnect), target.open() as peer:
            target.ask(peer)
            peer.reset()


@case(109, "close with replies unread", sends="1,000 requests, then close()", right=OTHERS_SERVED)
def close_unread(target: Target) -> None:
    """Send a thousand requests and close without reading, so that the system sends RST."""
    for _ in range(5):
        with suppress(CannotConnect), target.open() as peer:
            peer.send(target.request().wire * 1000, within=1.0)


@case(
    110, "silent connection", sends="nothing", waits=True,
    right="the connection is closed in time, or stays open and harms nobody",
)  # fmt: skip
def silent(target: Target) -> str | None:
    """Connect and send nothing."""
    with target.connect() as peer:
        state = peer.end(within=target.options.patience)
        if state is not OPEN:
            return None
        if target.kind in _PROTECTED:
            wrong(f"a peer that proves nothing may stay for {target.options.patience:g} s")
        return f"still open after {target.options.patience:g} s"


@case(
    111, "one byte, then silence", sends="the first byte of a request", waits=True, kinds=_UNPROTECTED,
    right="the connection is closed or answered within the patience",
)  # fmt: skip
def one_byte_then_silence(target: Target) -> str | None:
    """Send the first byte of a request and nothing more: an unfinished message must not wait for ever."""
    with target.open() as peer:
        peer.send(target.request().wire[:1])
        state = peer.end(within=target.options.patience)
        if state is OPEN and not peer.received:
            wrong(f"an unfinished message holds the connection for {target.options.patience:g} s")
        return "answered by silence" if state is OPEN else None


@case(
    112, "slowloris", sends="a request without end, one byte each half second", waits=True,
    kinds=_UNPROTECTED, right="the connection is closed or answered within the patience",
)  # fmt: skip
def slowloris(target: Target) -> str | None:
    """Send a message that never ends, one byte each half second."""
    with target.open() as peer:
        if target.kind in ("length", "binary"):
            peer.send(target.header(min(1000, target.largest_length)))
        deadline = monotonic() + target.options.patience
        while monotonic() < deadline and peer.state is OPEN:
            if not peer.send(b"x"):
                break
            peer.receive(0.5)
        if peer.state is OPEN and not peer.received:
            wrong(f"a message that never ends holds the connection for {target.options.patience:g} s")
        return "answered by silence" if peer.received and peer.state is OPEN else None


@case(113, "one byte at a time", sends="a request, each byte in a packet", right="the reply arrives")
def one_byte_at_a_time(target: Target) -> None:
    """Send a request with each byte in a packet of its own."""
    with target.open() as peer:
        request = target.request()
        peer.send_slowly(request.wire, pause=0.001)
        outcome = target.outcome(peer, request)
        if outcome != ANSWERED:
            wrong(f"did not answer: {outcome}")


@case(114, "pipelining", sends="1,000 requests at once", right="each is answered once, or the end is told")
def pipelining(target: Target) -> str | None:
    """Send a thousand requests in one piece and read the replies."""
    with target.open() as peer:
        request = target.request()
        peer.send(request.wire * 999)
        last = target.request()
        peer.send(last.wire)
        outcome = target.outcome(
            peer, last if last.payload != request.payload else request, within=target.patient(5.0)
        )
        deadline = monotonic() + target.patient(5.0)
        while peer.state is OPEN and monotonic() < deadline:
            if target.count_replies(bytes(peer.received), request) >= 999 or not peer.receive(0.3):
                break
        count = target.count_replies(bytes(peer.received), request)
        if count > 1000:
            wrong(f"answered 1000 requests {count} times")
        if outcome == SILENT:
            wrong(f"answered {count} of 1000 requests, and keeps the connection open")
        return None if count >= 999 else f"{count} of 1000 answered, then {peer.state}"


@case(
    115, "huge pipelining without reading", sends="requests as fast as they are taken, for 2 s",
    right="the target stops reading or closes; it does not collect replies without end",
)  # fmt: skip
def never_reads(target: Target) -> str | None:
    """Send requests for two seconds and read no reply: replies must not pile up in the target."""
    with target.open(receive_buffer=4096) as peer:
        block = target.request().wire * max(1, 65536 // len(target.request().wire))
        deadline, sent = monotonic() + 2.0, 0
        while (left := deadline - monotonic()) > 0 and sent < 64 * 2**20:
            taken = peer.send(block, within=min(0.5, left))
            sent += taken
            if taken < len(block):
                break
        if sent >= 64 * 2**20:
            wrong("took 64 MiB of requests from a peer that reads no reply")
        return f"took {sent / 2**20:.1f} MiB, then {'stopped reading' if peer.state is OPEN else 'closed'}"


@case(
    116, "zero window", sends="requests, and never reads",
    right="the connection is closed within the patience, or harms nobody",
)  # fmt: skip
def zero_window(target: Target) -> str | None:
    """Let replies fill the window of TCP and never read them."""
    with target.open(receive_buffer=2048) as peer:
        wire = target.request().wire
        block = wire * max(1, 65536 // len(wire))
        begun = monotonic()
        while monotonic() - begun < 3.0 and peer.send(block, within=0.5) == len(block):
            pass
        deadline = monotonic() + target.options.patience
        while monotonic() < deadline:
            if peer.socket.fileno() < 0 or not _is_connected(peer.socket):
                return None
            sleep(0.2)
        return f"still open after {target.options.patience:g} s"


def _is_connected(connected: socket.socket) -> bool:
    try:
        return connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and bool(
            connected.getpeername()
        )
    except OSError:
        return False


@case(117, "urgent data", sends="a byte of urgent data, then a request", kinds=_UNPROTECTED)
def urgent(target: Target) -> None:
    """Send urgent data, which TCP puts beside the stream, before a request."""
    with target.open() as peer:
        with suppress(OSError):
            peer.socket.send(b"!", socket.MSG_OOB)
        target.goes_on(peer, b"")


@case(118, "connect storm", sends="200 connections at once, held for half a second", right=OTHERS_SERVED)
def connect_storm(target: Target) -> str:
    """Hold two hundred connections from one address, then let them go."""
    return _storm(target, 200, 0.5)


@case(119, "1,000 connections", sends="1,000 connections at once", right=OTHERS_SERVED)
def thousand_connections(target: Target) -> str:
    """Hold a thousand connections from one address, then let them go."""
    return _storm(target, 1000, 0.2)


def _storm(target: Target, count: int, seconds: float) -> str:
    with ExitStack() as held:
        peers = []
        for _ in range(count):
            try:
                peers.append(held.enter_context(target.connect(within=0.5)))
            except CannotConnect:
                break
        sleep(seconds)
        dropped = sum(peer.end(within=0.001) is not OPEN for peer in peers)
    _served_again(target)
    return f"{len(peers)} connected, {dropped} of them dropped at once"


def _served_again(target: Target) -> None:
    """Wait until this address is served again, because its old connections need a moment to go."""
    deadline = monotonic() + target.options.patience
    while True:
        with suppress(CannotConnect), target.open() as peer:
            if target.ask(peer) == ANSWERED:
                return
        if monotonic() > deadline:
            wrong(f"this address is still not served {target.options.patience:g} s behind a storm")
        sleep(0.05)


@case(120, "storm of requests on new connections", sends="200 times: connect, ask", right=OTHERS_SERVED)
def request_storm(target: Target) -> str:
    """Connect, ask once and close, two hundred times as fast as possible."""
    answered = 0
    for _ in range(200):
        with suppress(CannotConnect), target.open() as peer:
            answered += target.ask(peer) == ANSWERED
    if answered == 0:
        wrong("none of 200 requests on new connections was answered")
    return f"{answered} of 200 answered"


@case(121, "half open connections", sends="20 halves of requests, held", right=OTHERS_SERVED)
def held_halves(target: Target) -> None:
    """Hold several connections with half a request on each, then finish all of them."""
    with ExitStack() as held:
        for _ in range(12):
            with suppress(CannotConnect):
                peer = held.enter_context(target.open())
                wire = target.request().wire
                peer.send(wire[: len(wire) // 2])
        sleep(0.3)


@case(
    122, "ignored FIN", sends="a wrong message; when the target closes, more bytes and no FIN", waits=True,
    right="the connection is reset within the patience", kinds=_UNPROTECTED,
)  # fmt: skip
def ignored_fin(target: Target) -> str | None:
    """Go on sending for ever when the target has closed its direction."""
    with target.open() as peer:
        block, patience = b"\xff" * 65536, target.options.patience
        begun = closed = monotonic()
        while monotonic() - closed < patience and monotonic() - begun < 2 * patience:
            if not peer.send(block, within=0.5) and not _is_connected(peer.socket):
                return f"closed after {closed - begun:.1f} s, and reset {monotonic() - closed:.1f} s later"
            peer.receive(0.01)
            if peer.state is OPEN:
                closed = monotonic()
                if closed - begun > patience:
                    return "the target did not close"
            sleep(0.05)
        return wrong(f"the connection was not reset within {patience:g} s")


@case(123, "merged requests", sends="two requests in one packet", right="two replies arrive")
def merged(target: Target) -> None:
    """Send two requests in one packet."""
    with target.open() as peer:
        first, second = target.request(), target.request()
        peer.send(first.wire + second.wire)
        for request in (first, second):
            outcome = target.outcome(peer, request)
            if outcome != ANSWERED:
                wrong(f"did not answer one of two requests in one packet: {outcome}")
        deadline = monotonic() + target.options.within
        while monotonic() < deadline and _count(target, peer, first.payload == second.payload) < 2:
            peer.receive(0.1)
        while peer.receive(0.05):
            pass  # a reply too many comes behind the second
        count = _count(target, peer, first.payload == second.payload)
        if first.payload == second.payload and count != 2:
            wrong(f"answered two requests in one packet {count} times")


def _count(target: Target, peer: Connection, same: bool) -> int:
    return target.count_replies(bytes(peer.received), target.request()) if same else 2


@case(124, "request and half", sends="a request and half of the next, then the rest", right="two replies")
def request_and_half(target: Target) -> None:
    """Send one and a half requests in one packet, and the other half in the next."""
    with target.open() as peer:
        first, second = target.request(), target.request()
        middle = len(second.wire) // 2
        peer.send(first.wire + second.wire[:middle])
        outcome = target.outcome(peer, first)
        if outcome != ANSWERED:
            wrong(f"did not answer the first of one and a half requests: {outcome}")
        if first.payload == second.payload:
            peer.received.clear()
        peer.send(second.wire[middle:])
        outcome = target.outcome(peer, second)
        if outcome != ANSWERED:
            wrong(f"did not answer a request in two packets: {outcome}")


@case(
    125, "split at every byte", sends="a request in two packets, for each place", right="each is answered"
)
def split_everywhere(target: Target) -> None:
    """Send a request in two packets, once for each place where it can be cut."""
    with target.open() as peer:
        length = len(target.request().wire)
        for at in range(1, min(length, 64)):
            request = target.request()
            peer.received.clear()
            peer.send(request.wire[:at])
            sleep(0.002)
            peer.send(request.wire[at:])
            outcome = target.outcome(peer, request)
            if outcome != ANSWERED:
                wrong(f"did not answer a request that was cut behind byte {at}: {outcome}")


@case(126, "long session", sends="2,000 requests, each when the reply is there", right="all are answered")
def long_session(target: Target) -> str | None:
    """Ask two thousand times on one connection, or for four seconds."""
    deadline = monotonic() + 4.0
    with target.open() as peer:
        for index in range(2000):
            if monotonic() > deadline:
                return f"{index} answered in 4 s"
            peer.received.clear()
            outcome = target.ask(peer)
            if outcome != ANSWERED:
                wrong(f"did not answer request {index + 1}: {outcome}")
    return None


@case(127, "keepalive options", sends="a request with odd socket options", right="the reply arrives")
def socket_options(target: Target) -> None:
    """Use the smallest buffers that the system allows, and ask."""
    with target.open(receive_buffer=1) as peer:
        with suppress(OSError):
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        outcome = target.ask(peer)
        if outcome != ANSWERED:
            wrong(f"did not answer: {outcome}")


@case(128, "bytes behind the end", sends="a request, FIN, then RST", right=OTHERS_SERVED)
def reset_behind_fin(target: Target) -> None:
    """Close the sending direction, then reset, fifty times."""
    for _ in range(50):
        with suppress(CannotConnect), target.open() as peer:
            peer.send(target.request().wire)
            peer.finish()
            peer.reset()


@case(129, "reconnect at once", sends="50 times: connect, ask, close", right="each is answered")
def reconnect(target: Target) -> None:
    """Connect, ask and close fifty times, with a good end each time."""
    for index in range(50):
        with target.open() as peer:
            outcome = target.ask(peer)
            if outcome != ANSWERED:
                wrong(f"did not answer on connection {index + 1}: {outcome}")
        sleep(0.005)


@case(130, "empty packets", sends="a request in pieces of 0 and 1 bytes", right=SERVED_OR_CLOSED)
def empty_packets(target: Target) -> None:
    """Mix sends of no bytes at all into a request."""
    with target.open() as peer:
        request = target.request()
        for byte in request.wire:
            peer.send(b"")
            peer.send(bytes([byte]))
        if target.outcome(peer, request) == SILENT:
            wrong("did not answer")
