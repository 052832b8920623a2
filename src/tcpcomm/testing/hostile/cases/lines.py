"""Ends of lines, and what may stand between them. Numbers 251 to 299."""

from __future__ import annotations

from tcpcomm.testing.hostile.case import case
from tcpcomm.testing.hostile.target import ANSWERED, SILENT, Target
from tcpcomm.testing.hostile.verdict import ECHO, LINE_BASED, LINES, wrong

_TEXT = (ECHO, LINES)
_ANY_ANSWER = "the request is answered, or not taken for one; a later good request is served or closed"


def _with_end(target: Target, end: bytes) -> str | None:
    """Send a request with another end of line. A target may know that end or not."""
    with target.open() as peer:
        request = target.request()
        peer.send(request.payload + end)
        outcome = target.outcome(peer, request, within=target.options.within / 2)
        if outcome == SILENT:
            peer.send(target.delimiter)
            outcome = target.ask(peer)
            if outcome == SILENT:
                wrong("neither answered the request that followed nor closed the connection")
            return f"not taken for an end of line; then {outcome}"
        return outcome


@case(251, "LF alone", kinds=LINE_BASED, sends="a request, LF", right=_ANY_ANSWER)
def lf(target: Target) -> str | None:
    """End a request with LF only."""
    return _with_end(target, b"\n")


@case(252, "CR alone", kinds=LINE_BASED, sends="a request, CR", right=_ANY_ANSWER)
def cr(target: Target) -> str | None:
    """End a request with CR only."""
    return _with_end(target, b"\r")


@case(253, "LF CR", kinds=LINE_BASED, sends="a request, LF CR", right=_ANY_ANSWER)
def lf_cr(target: Target) -> str | None:
    """End a request with LF and CR in the wrong order."""
    return _with_end(target, b"\n\r")


@case(254, "CR CR LF", kinds=LINE_BASED, sends="a request, CR CR LF", right=_ANY_ANSWER)
def cr_cr_lf(target: Target) -> str | None:
    """End a request with one CR too many."""
    return _with_end(target, b"\r\r\n")


@case(255, "NUL as the end", kinds=LINE_BASED, sends="a request, NUL", right=_ANY_ANSWER)
def nul_end(target: Target) -> str | None:
    """End a request with NUL, as a program in C may do."""
    return _with_end(target, b"\0")


@case(256, "no end", kinds=LINE_BASED, sends="a request without an end", right=_ANY_ANSWER)
def no_end(target: Target) -> str | None:
    """Send a request and no end of line: a target waits, or takes silence as the end."""
    return _with_end(target, b"")


@case(257, "Unicode line separators", kinds=LINE_BASED, sends="NEL, U+2028 and U+2029 inside a line")
def unicode_ends(target: Target) -> None:
    """Put the line ends of Unicode into a line, which are not ends of lines on a wire."""
    target.served_or_closed("a\u0085b\u2028c\u2029d".encode() + target.delimiter)


@case(258, "form feed and vertical tab", kinds=LINE_BASED, sends="FF, VT, FS, GS and RS inside a line")
def other_ends(target: Target) -> None:
    """Put characters into a line at which some libraries split lines."""
    target.served_or_closed(b"a\x0bb\x0cc\x1cd\x1de\x1ef" + target.delimiter)


@case(259, "end of line in two packets", kinds=LINE_BASED, sends="… CR, then LF", right="one reply")
def split_end(target: Target) -> None:
    """Send the end of a request in two packets: it must not count as two ends."""
    from time import sleep  # noqa: PLC0415 - one case

    with target.open() as peer:
        request = target.request()
        wire = request.wire
        peer.send(wire[:-1])
        sleep(0.005)
        peer.send(wire[-1:])
        outcome = target.outcome(peer, request)
        if outcome != ANSWERED:
            wrong(f"did not answer: {outcome}")
        peer.receive(0.05)
        count = len(target.frames(bytes(peer.received)))
        if count > 1:
            wrong(f"sent {count} messages for one request whose end came in two packets")


@case(260, "NULs in a line", kinds=LINE_BASED, sends="text, NUL, text")
def nul_inside(target: Target) -> None:
    """Put NUL bytes into a line."""
    target.served_or_closed(b"abcd\0\0\0ef" + target.delimiter)


@case(261, "a line of NULs", kinds=LINE_BASED, sends="1,000 NUL bytes as one line")
def nul_line(target: Target) -> None:
    """Send a line that is nothing but NUL bytes."""
    target.served_or_closed(b"abcd" + b"\0" * 1000 + target.delimiter)


@case(262, "garbage, then a good request", kinds=LINE_BASED, sends="200 bytes of 80 to FF, then a request")
def garbage(target: Target) -> None:
    """Send bytes that are no text, end the line, and ask."""
    target.served_or_closed(bytes(range(0x80, 0x100)) + b"\xff" * 72 + target.delimiter)


@case(263, "every byte once", kinds=LINE_BASED, sends="the bytes 00 to FF, then a request")
def every_byte(target: Target) -> None:
    """Send each of the 256 bytes once, which also holds ends of lines."""
    target.served_or_closed(b"abcd" + bytes(range(256)) + target.delimiter)


@case(264, "spaces around a request", kinds=_TEXT, sends="spaces and tabs before and behind a request")
def spaces(target: Target) -> None:
    """Send a line of spaces and tabs, then a good request."""
    target.served_or_closed(b" \t  \t " + target.delimiter)


@case(265, "a thousand words", kinds=_TEXT, sends="a line of 10,000 words")
def many_words(target: Target) -> None:
    """Send a line of ten thousand short words."""
    target.served_or_closed(b"a " * 10_000 + target.delimiter)


@case(266, "ten thousand commas", kinds=_TEXT, sends="a line of 10,000 commas")
def many_commas(target: Target) -> None:
    """Send a line of ten thousand separators."""
    target.served_or_closed(b"," * 10_000 + target.delimiter)


@case(267, "the end of line as content", kinds=_TEXT, sends=r"backslash r backslash n, as four characters")
def escaped_end(target: Target) -> None:
    """Write the end of line as a programmer does: it is text, not an end."""
    target.served_or_closed(rb"abc\r\ndef" + target.delimiter)


@case(268, "a line that ends as a request", kinds=(LINES,), sends="text directly before a request",
      right="nothing is carried out for that line")  # fmt: skip
def suffix(target: Target) -> None:
    """Send a line whose last characters are a request: it is another line, not that request."""
    _is_no_request(target, b"xx" + target.request().wire, "end")


@case(269, "a request with a longer name", kinds=(LINES,), sends="a request with text directly behind it",
      right="nothing is carried out for that line")  # fmt: skip
def prefix(target: Target) -> None:
    """Send a line whose first characters are a request: it is another line, not that request."""
    _is_no_request(target, target.wire(target.options.ask + b"xx"), "beginning")


def _is_no_request(target: Target, line: bytes, part: str) -> None:
    """Send a line that holds a request, and a good request behind it: there is one reply of this form."""
    expected = target.options.expect
    with target.open() as peer:
        request = target.request()
        peer.send(line + request.wire)
        if target.outcome(peer, request) == ANSWERED:
            peer.receive_until(lambda data: target.frames(data).count(expected) > 1, within=0.25)
        if target.frames(bytes(peer.received)).count(expected) > 1:
            wrong(f"carried out a request that was only the {part} of a line")


@case(270, "one million characters", kinds=_TEXT, sends="a word of 900,000 letters")
def long_word(target: Target) -> None:
    """Send one very long word, then a request."""
    size = min(900_000, target.options.limit - 1)
    with target.open() as peer:
        peer.send(b"A" * size + target.delimiter, within=target.patient(4.0))
        request = target.request()
        peer.receive(0.05)
        peer.send(request.wire)
        if target.outcome(peer, request, within=target.patient(6.0)) == SILENT:
            wrong("neither answered the request that followed nor closed the connection")
