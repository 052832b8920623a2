"""Length fields that lie, and binary messages with wrong content. Numbers 301 to 349 and 501 to 549."""

from __future__ import annotations

from time import monotonic, sleep

from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.testing.hostile.case import SERVED_OR_CLOSED, case
from tcpcomm.testing.hostile.connection import OPEN
from tcpcomm.testing.hostile.target import ANSWERED, SILENT, Target
from tcpcomm.testing.hostile.verdict import BINARY, LENGTH_BASED, wrong

_ENDS = "the connection is closed within the patience, and nothing is answered"


def _announce(target: Target, value: int, content: bytes = b"") -> str | None:
    """Announce a length, send less, and wait for the end."""
    with target.open() as peer:
        peer.send(target.header(value) + content)
        state = peer.end(within=target.options.patience)
        target.must_not_answer(peer)
        if state is OPEN:
            wrong(f"waits for the rest of {value} bytes for {target.options.patience:g} s")
    return None


def _shift(target: Target) -> int:
    """Return the difference between the length field and the bytes that follow the header."""
    framing = target.options.framing
    assert isinstance(framing, LengthPrefixed)
    return framing.adjust


@case(301, "all ones", kinds=LENGTH_BASED, sends="a length field of FF …", right=_ENDS, waits=True)
def all_ones(target: Target) -> str | None:
    """Announce the greatest length that the field can say, and send nothing."""
    return _announce(target, target.largest_length)


@case(302, "greatest signed length", kinds=LENGTH_BASED, sends="7F FF …", right=_ENDS, waits=True)
def greatest_signed(target: Target) -> str | None:
    """Announce the greatest length of a signed number."""
    return _announce(target, target.largest_length // 2)


@case(303, "negative length", kinds=LENGTH_BASED, sends="80 00 …", right=_ENDS, waits=True)
def negative(target: Target) -> str | None:
    """Announce a length that is negative for a program that reads a signed number."""
    return _announce(target, target.largest_length // 2 + 1)


@case(304, "length zero", kinds=LENGTH_BASED, sends="a length of 0, then a request")
def zero(target: Target) -> str:
    """Send a message of length zero, then a request."""
    return target.served_or_closed(target.header(max(0, -_shift(target))))


@case(305, "length shorter than the header", kinds=LENGTH_BASED, sends="a length that ends in the header")
def inside_header(target: Target) -> str | None:
    """Announce fewer bytes than the header has, where the length counts the header too."""
    if _shift(target) >= 0:
        return "the length does not count the header"
    return target.served_or_closed(target.header(0))


@case(306, "one byte too few", kinds=LENGTH_BASED, sends="a length of 9 with 8 bytes, FIN",
      right="the connection is closed, and nothing is answered")  # fmt: skip
def truncated(target: Target) -> None:
    """Announce one byte more than was sent, and close the sending direction."""
    with target.open() as peer:
        peer.send(target.header(9 - _shift(target)) + b"x" * 8)
        peer.finish()
        target.must_close(peer)
        target.must_not_answer(peer)


@case(307, "truncated header", kinds=LENGTH_BASED, sends="one byte of a header, FIN",
      right="the connection is closed, and nothing is answered")  # fmt: skip
def truncated_header(target: Target) -> None:
    """Send the first byte of a header and close the sending direction."""
    with target.open() as peer:
        peer.send(target.header(4)[:1])
        peer.finish()
        target.must_close(peer)


@case(308, "header alone", kinds=LENGTH_BASED, sends="a header, and no content", right=_ENDS, waits=True)
def header_alone(target: Target) -> str | None:
    """Announce a small message and send none of it."""
    return _announce(target, 10 - _shift(target))


@case(309, "one byte missing", kinds=LENGTH_BASED, sends="9 of 10 bytes", right=_ENDS, waits=True)
def one_missing(target: Target) -> str | None:
    """Announce ten bytes and send nine."""
    return _announce(target, 10 - _shift(target), b"x" * 9)


@case(
    310, "the other byte order", kinds=LENGTH_BASED, sends="a request with its length reversed", waits=True
)
def other_order(target: Target) -> str | None:
    """Write the length of a request in the other byte order."""
    framing = target.options.framing
    assert isinstance(framing, LengthPrefixed)
    wire = target.request().wire
    at = framing.offset
    field = wire[at : at + framing.width]
    return _odd(target, wire[:at] + field[::-1] + wire[at + framing.width :])


@case(311, "length as text", kinds=LENGTH_BASED, sends="00000004 as digits, then PING", waits=True)
def as_text(target: Target) -> str | None:
    """Write the length as decimal digits."""
    return _odd(target, b"00000004" + target.options.ask)


@case(312, "text with line ends", kinds=LENGTH_BASED, sends="a request as a line", waits=True)
def as_line(target: Target) -> str | None:
    """Send a request as a line, as a person with a terminal would."""
    return _odd(target, target.options.ask + b"\r\n" + b"help\r\n")


def _odd(target: Target, data: bytes) -> str | None:
    """Send bytes that can mean anything. The target answers, or closes within the patience."""
    with target.open() as peer:
        peer.send(data)
        deadline = monotonic() + target.options.patience
        while peer.state is OPEN and monotonic() < deadline and not peer.received:
            peer.receive(0.5)
        if peer.received:
            return f"answered {bytes(peer.received[:40])!r}"
        if peer.state is OPEN:
            wrong(f"waits for the rest of a message for {target.options.patience:g} s")
    return None


@case(313, "header in single bytes", kinds=LENGTH_BASED, sends="a request, the header byte by byte",
      right="the reply arrives")  # fmt: skip
def header_in_bytes(target: Target) -> None:
    """Send each byte of a header in a packet of its own."""
    with target.open() as peer:
        request = target.request()
        for byte in request.wire[:8]:
            peer.send(bytes([byte]))
            sleep(0.003)
        peer.send(request.wire[8:])
        outcome = target.outcome(peer, request)
        if outcome != ANSWERED:
            wrong(f"did not answer: {outcome}")


@case(314, "huge length, slow content", kinds=LENGTH_BASED, sends="max-frame announced, 1 byte each 0.5 s",
      right="the connection is closed, or others are served", waits=True)  # fmt: skip
def huge_and_slow(target: Target) -> str | None:
    """Announce the greatest accepted length, and send its content slowly."""
    with target.open() as peer:
        peer.send(target.header(min(target.options.limit, target.largest_length)))
        deadline = monotonic() + target.options.patience
        while monotonic() < deadline and peer.state is OPEN:
            if not peer.send(b"x"):
                return None
            peer.receive(0.5)
        return f"still open after {target.options.patience:g} s" if peer.state is OPEN else None


@case(315, "many announcements", kinds=LENGTH_BASED, sends="12 connections, each announces max-frame",
      right="memory is not taken before the bytes come")  # fmt: skip
def many_announcements(target: Target) -> str | None:
    """Announce the greatest accepted length on twelve connections, and send nothing."""
    from tcpcomm.testing.hostile.evidence import read_process  # noqa: PLC0415 - Linux only

    size, pid = min(target.options.limit, target.largest_length), target.options.pid
    before = None if pid is None else read_process(pid).memory
    peers = [target.open() for _ in range(12)]
    try:
        for peer in peers:
            peer.send(target.header(size))
        sleep(0.2)
        if pid is not None and before is not None:
            grown = read_process(pid).memory - before
            if grown > 6 * size + 8 * 2**20:
                wrong(f"took {grown / 2**20:.0f} MiB for bytes that were announced and not sent")
    finally:
        for peer in peers:
            peer.reset()
    return None


@case(316, "garbage behind a request", kinds=LENGTH_BASED, sends="a request, then FF …",
      right="the request is answered")  # fmt: skip
def garbage_behind(target: Target) -> str | None:
    """Send a good request and garbage behind it: the good request must be answered."""
    with target.open() as peer:
        request = target.request()
        peer.send(request.wire + b"\xff" * 64)
        outcome = target.outcome(peer, request)
        if outcome == SILENT:
            wrong("did not answer the good request before the garbage")
        return None if outcome == ANSWERED else f"{outcome} before the reply"


@case(317, "length one", kinds=LENGTH_BASED, sends="each byte 00 to FF as a message, then a request")
def every_byte(target: Target) -> str:
    """Send 256 messages of one byte each, which hold every byte."""
    one = 1 - _shift(target)
    request = target.options.ask[:1]
    messages = (bytes([byte]) for byte in range(256) if bytes([byte]) != request)
    return target.served_or_closed(b"".join(target.header(max(one, 0)) + each for each in messages))


# Binary messages


@case(501, "unknown opcodes", kinds=(BINARY,), sends="messages that begin with F0 to FE, then a request")
def unknown_opcodes(target: Target) -> str:
    """Send messages whose first byte is not an opcode."""
    return _content(target, *(bytes([opcode]) for opcode in range(0xF0, 0xFF)))


@case(502, "opcode of a fault", kinds=(BINARY,), sends="the request's opcode with its top bit set")
def fault_opcode(target: Target) -> str:
    """Send an opcode that only a reply may have."""
    at = _opcode_at(target)
    ask = bytearray(target.options.ask)
    ask[at] |= 0x80
    return target.served_or_closed(target.wire(bytes(ask)))


@case(503, "opcode zero", kinds=(BINARY,), sends="a message that begins with 00, then a request")
def opcode_zero(target: Target) -> str:
    """Send a message of one NUL byte."""
    return _content(target, b"\0")


@case(504, "one byte too many", kinds=(BINARY,), sends="a request with one more byte, then a request",
      right=f"not carried out; {SERVED_OR_CLOSED}")  # fmt: skip
def trailing(target: Target) -> str:
    """Send a request with one more byte than it has."""
    return _content(target, target.options.ask + b"\0", is_request=True)


@case(505, "many bytes too many", kinds=(BINARY,), sends="a request with 200 more bytes, then a request")
def much_trailing(target: Target) -> str:
    """Send a request with two hundred more bytes than it has."""
    return _content(target, target.options.ask + b"\xff" * 200, is_request=True)


@case(506, "one byte too few", kinds=(BINARY,), sends="a request without its last byte, then a request")
def too_short(target: Target) -> str:
    """Send a request whose content has one byte too few, with a length that fits."""
    return _content(target, target.options.ask[:-1], is_request=True)


@case(507, "content of FF", kinds=(BINARY,), sends="an opcode, then 32 bytes FF")
def content_of_ones(target: Target) -> str:
    """Send the opcode of a request with content of ones."""
    return _content(target, target.options.ask[:1] + b"\xff" * 32)


@case(508, "content of NULs", kinds=(BINARY,), sends="an opcode, then 32 bytes 00")
def content_of_zeros(target: Target) -> str:
    """Send the opcode of a request with content of zeros."""
    return _content(target, target.options.ask[:1] + b"\0" * 32)


@case(509, "a reply as a request", kinds=(BINARY,), sends="the bytes of the reply, then a request")
def reply_as_request(target: Target) -> str:
    """Send the target what it sends itself."""
    if target.options.ask.startswith(target.options.expect):
        return "the reply begins as the request does"
    return _content(target, target.options.expect)


@case(510, "NaN and infinity", kinds=(BINARY,), sends="an opcode, then the bytes of NaN and infinity")
def not_a_number(target: Target) -> str:
    """Send the bytes of numbers that are not numbers, in both sizes and byte orders."""
    nan = bytes.fromhex("7fc00000 7f800000 ff800000 7ff8000000000000 fff0000000000000")
    return _content(target, target.options.ask[:1] + nan, target.options.ask[:1] + nan[::-1])


@case(511, "text in a binary protocol", kinds=(BINARY,), sends="a message that is a sentence")
def sentence(target: Target) -> str:
    """Send a sentence with a good length before it."""
    return _content(target, b"This is a line of text, not a message.")


def _opcode_at(target: Target) -> int:
    framing = target.options.framing
    assert isinstance(framing, LengthPrefixed)
    return 0 if framing.strip else min(framing.header, len(target.options.ask) - 1)


def _content(target: Target, *contents: bytes, is_request: bool = False) -> str:
    """Send messages with good lengths and wrong content, then a request."""
    framing = target.options.framing
    assert isinstance(framing, LengthPrefixed)
    if framing.strip:
        wires = [target.wire(each) for each in contents]
    else:
        kept = framing.header if is_request else 0
        wires = [
            target.header(max(0, len(each) - kept - framing.adjust)) + each[kept:] for each in contents
        ]
    return target.served_or_closed(b"".join(wires))
