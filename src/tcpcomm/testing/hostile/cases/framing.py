"""Messages of odd sizes and numbers, in any framing. Numbers 201 to 249."""

from __future__ import annotations

from time import monotonic, sleep

from tcpcomm.testing.hostile.case import OTHERS_SERVED, case
from tcpcomm.testing.hostile.connection import OPEN
from tcpcomm.testing.hostile.target import ANSWERED, SILENT, Target
from tcpcomm.testing.hostile.verdict import ECHO, LENGTH_BASED, LINE_BASED, PLAIN, wrong

_MIB = 2**20


def _filled(target: Target, size: int) -> bytes:
    """Return a message of this size that is not a request."""
    if target.kind in LENGTH_BASED:
        return target.header(min(size, target.largest_length)) + b"x" * size
    return b"x" * size + target.delimiter


@case(201, "a message of the greatest size", kinds=PLAIN, sends="max-frame bytes, then a request",
      right="the request is answered; closing is told if --max-frame was not given")  # fmt: skip
def exactly_max(target: Target) -> str | None:
    """Send a message of exactly the greatest size, then a request, which must be answered."""
    size = target.options.limit
    if target.kind in LENGTH_BASED:
        size = min(size, target.largest_length)
    outcome = _after_large(target, size)
    if outcome == ANSWERED:
        return None
    if target.options.max_frame is None:
        return f"{outcome}; --max-frame was not given, so {size} bytes may be too many"
    return wrong(f"did not go on behind a message of {size} bytes, which it should accept: {outcome}")


@case(202, "one byte too long", kinds=PLAIN, sends="max-frame + 1 bytes, then a request")
def one_too_long(target: Target) -> str | None:
    """Send a message that is one byte longer than the greatest size, then a request."""
    size = target.options.limit + 1
    if target.kind in LENGTH_BASED and size > target.largest_length:
        return "the length field cannot say so much"
    outcome = _after_large(target, size)
    if outcome == SILENT:
        wrong("neither answered the request that followed nor closed the connection")
    return outcome


def _after_large(target: Target, size: int) -> str:
    with target.open() as peer:
        request = target.request()
        data = _filled(target, size) + request.wire
        peer.pour(data, size=65536, wait=0.5, within=target.patient(6.0))
        return target.outcome(peer, request, within=target.patient(4.0))


@case(203, "a message without an end", kinds=LINE_BASED, sends="64 MiB, or 8 times max-frame, and no end",
      right="the connection is closed, or the bytes are dropped until an end comes")  # fmt: skip
def without_end(target: Target) -> str | None:
    """Send bytes without the end of a message: a target must not keep them all."""
    amount = max(8 * target.options.limit, 16 * _MIB)
    before = _memory_of(target)
    with target.open() as peer:
        block, sent, deadline = b"x" * 262144, 0, monotonic() + target.patient(6.0)
        while sent < amount and monotonic() < deadline:
            taken = peer.send(block, within=target.patient(1.0))
            sent += taken
            if taken < len(block):
                break
        if peer.state is not OPEN or peer.end(within=0.05) is not OPEN:
            return None
        text = f"took {sent / _MIB:.0f} MiB of one message"
        if before is not None:
            return _kept_or_dropped(target, before, text, sent)
        peer.send(target.delimiter)
        outcome = target.ask(peer)
        if outcome == SILENT:
            wrong(f"{text}, then neither answered nor closed")
        if len(peer.received) > sent // 2:
            wrong(f"{text} and answered all of it: it has no limit")
        return f"{text}, then {outcome}"


def _memory_of(target: Target) -> int | None:
    """Return the bytes of memory of the target's process, or None if its number was not given."""
    from tcpcomm.testing.hostile.evidence import read_process  # noqa: PLC0415 - Linux only

    pid = target.options.pid
    return None if pid is None else read_process(pid).memory


def _kept_or_dropped(target: Target, before: int, text: str, sent: int) -> str:
    """Find the memory grown for as long as one waits for a reply: bytes in passing are not kept."""
    most, deadline = before + max(sent // 2, 8 * target.options.limit), monotonic() + target.patient(1.0)
    while (memory := _memory_of(target) or 0) > most:
        if monotonic() > deadline:
            wrong(f"{text}, and keeps it: its memory grew by {(memory - before) / _MIB:.0f} MiB")
        sleep(0.05)
    return f"{text}, and dropped it"


@case(204, "many small messages", kinds=PLAIN, sends="20,000 messages of one byte, then a request")
def many_small(target: Target) -> str:
    """Send twenty thousand messages of one byte, and read what comes."""
    one = target.header(1) + b"x" if target.kind in LENGTH_BASED else b"x" + target.delimiter
    return _flood(target, one * 20_000)


@case(205, "flood of empty messages", kinds=PLAIN, sends="50,000 empty messages, then a request")
def empty_messages(target: Target) -> str:
    """Send fifty thousand messages without content."""
    one = target.header(0) if target.kind in LENGTH_BASED else target.delimiter
    return _flood(target, one * 50_000)


@case(206, "one empty message", kinds=PLAIN, sends="an empty message, then a request")
def empty_message(target: Target) -> str:
    """Send one message without content."""
    one = target.header(0) if target.kind in LENGTH_BASED else target.delimiter
    return target.served_or_closed(one)


def _flood(target: Target, data: bytes) -> str:
    with target.open() as peer:
        request = target.request()
        data += request.wire
        peer.pour(data, size=16384, wait=0.2, within=target.patient(8.0))
        outcome = target.outcome(peer, request, within=target.patient(8.0))
        if outcome == SILENT:
            wrong("neither answered the request behind the flood nor closed the connection")
        return outcome


@case(207, "several large messages", kinds=PLAIN, sends="8 messages of a quarter of max-frame")
def several_large(target: Target) -> str:
    """Send eight large messages, and a request behind them."""
    size = target.options.limit // 4
    if target.kind in LENGTH_BASED:
        size = min(size, target.largest_length)
    return _flood(target, _filled(target, size) * 8)


@case(208, "large message in small packets", kinds=PLAIN, sends="64 KiB in packets of 64 bytes")
def in_small_packets(target: Target) -> str:
    """Send one message of 64 KiB, or less if that is too long, in packets of 64 bytes."""
    size = min(target.options.limit, 65_535)
    if target.kind in LENGTH_BASED:
        size = min(size, target.largest_length)
    data = _filled(target, size)
    with target.open() as peer:
        for at in range(0, len(data), 64):
            if not peer.send(data[at : at + 64]):
                break
        return target.goes_on(peer, b"")


@case(209, "the same session goes on", kinds=PLAIN, sends="20 wrong messages with requests between them",
      right="each request is answered, or the connection is closed")  # fmt: skip
def wrong_and_right(target: Target) -> str | None:
    """Send wrong messages and good requests in turn."""
    with target.open() as peer:
        for index in range(20):
            peer.received.clear()
            outcome = target.goes_on(peer, _filled(target, 3 + index))
            if outcome != ANSWERED:
                return f"closed behind {index + 1} wrong messages"
    return None


@case(210, "replies of one session stay there", kinds=(ECHO,), sends="different texts on 8 connections",
      right="each gets its own text")  # fmt: skip
def own_replies(target: Target) -> None:
    """Ask on eight connections in turn: each must get the replies to its own requests only."""
    peers = [target.open() for _ in range(8)]
    try:
        for _ in range(20):
            requests = [(peer, target.request()) for peer in peers]
            for peer, request in requests:
                peer.received.clear()
                peer.send(request.wire)
            for peer, request in requests:
                outcome = target.outcome(peer, request)
                if outcome != ANSWERED:
                    wrong(f"did not answer: {outcome}")
                others = [each for _, each in requests if each is not request]
                if any(each.payload in peer.received for each in others):
                    wrong("sent a peer the reply to another peer")
    finally:
        for peer in peers:
            peer.close()


@case(
    211, "replies in order", kinds=(ECHO,), sends="500 numbered texts at once", right="500, in their order"
)
def in_order(target: Target) -> None:
    """Send five hundred different texts at once: the replies must have the order of the texts."""
    with target.open() as peer:
        requests = [target.request() for _ in range(500)]
        peer.send(b"".join(request.wire for request in requests))
        outcome = target.outcome(peer, requests[-1], within=target.patient(5.0))
        if outcome != ANSWERED:
            wrong(f"did not answer all: {outcome}")
        at = -1
        for request in requests:
            found = bytes(peer.received).find(request.payload)
            if found <= at:
                wrong(f"the reply to {request.payload!r} came too early, or not at all")
            at = found


@case(212, "unfinished message at the end", kinds=PLAIN, sends="a request, half a request, FIN",
      right="the request is answered, the half is not")  # fmt: skip
def unfinished_at_end(target: Target) -> None:
    """Send one and a half requests and close the sending direction."""
    with target.open() as peer:
        first, second = target.request(), target.request()
        peer.send(first.wire + second.wire[: len(second.wire) // 2])
        peer.finish()
        outcome = target.outcome(peer, first)
        if outcome != ANSWERED:
            wrong(f"did not answer the whole request before the half: {outcome}")
        target.must_close(peer)


@case(213, "many sessions send large messages", kinds=PLAIN, sends="8 times half of max-frame, unfinished",
      right=OTHERS_SERVED)  # fmt: skip
def many_large_unfinished(target: Target) -> None:
    """Hold eight connections with half of a large message on each."""
    size = target.options.limit // 2
    peers = []
    try:
        for _ in range(8):
            peer = target.open()
            peers.append(peer)
            if target.kind in LENGTH_BASED:
                peer.send(target.header(min(size, target.largest_length)))
                peer.send(b"x" * (min(size, target.largest_length) // 2), within=0.5)
            else:
                peer.send(b"x" * (size // 2), within=0.5)
    finally:
        for peer in peers:
            peer.reset()
