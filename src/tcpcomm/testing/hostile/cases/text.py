"""Text that is wrong, forged or dangerous to show. Numbers 351 to 399."""

from __future__ import annotations

from tcpcomm.testing.hostile.case import SERVED_OR_CLOSED, case
from tcpcomm.testing.hostile.target import Target
from tcpcomm.testing.hostile.verdict import ECHO, JSON, JSON_RPC, LENGTH, LINES, wrong

_TEXT = (ECHO, LINES, LENGTH)
_ALL_TEXT = (*_TEXT, JSON, JSON_RPC)


def _text(target: Target, text: bytes) -> None:
    target.served_or_closed(target.wire(text))


@case(351, "invalid UTF-8", kinds=_ALL_TEXT, sends="80, C3 28, FF FE, then a request")
def invalid_utf8(target: Target) -> None:
    """Send bytes that are not UTF-8."""
    _text(target, b"abc \x80 \xc3\x28 \xff\xfe")


@case(352, "overlong UTF-8", kinds=_ALL_TEXT, sends="C0 80, E0 80 AF, then a request")
def overlong_utf8(target: Target) -> None:
    """Send characters in more bytes than they need, which once passed filters."""
    _text(target, b"abc \xc0\x80 \xe0\x80\xaf \xf0\x80\x80\xaf")


@case(353, "surrogates in UTF-8", kinds=_ALL_TEXT, sends="ED A0 80, then a request")
def surrogates(target: Target) -> None:
    """Send halves of characters of UTF-16 as UTF-8."""
    _text(target, b"abc \xed\xa0\x80 \xed\xbf\xbf")


@case(354, "cut UTF-8", kinds=_ALL_TEXT, sends="a line that ends inside a character")
def cut_utf8(target: Target) -> None:
    """End a line inside a character."""
    _text(target, "abc 카메라".encode()[:-1])


@case(355, "beyond Unicode", kinds=_ALL_TEXT, sends="F5 80 80 80, F8 88 80 80 80")
def beyond_unicode(target: Target) -> None:
    """Send numbers that are beyond the last character."""
    _text(target, b"abc \xf5\x80\x80\x80 \xf8\x88\x80\x80\x80")


@case(356, "byte order mark", kinds=_ALL_TEXT, sends="EF BB BF before a line, then a request")
def mark(target: Target) -> None:
    """Send a byte order mark, as editors on Windows write it."""
    _text(target, b"\xef\xbb\xbfabc")


@case(357, "UTF-16", kinds=_ALL_TEXT, sends="a line in UTF-16 without its end, then a request")
def utf16(target: Target) -> None:
    """Send text in UTF-16 to a target that reads UTF-8."""
    _text(target, b"hell" + "hello".encode("utf-16"))


@case(358, "terminal escapes", kinds=_TEXT, sends="ESC ]0;title BEL, ESC [2J, then a request")
def escapes(target: Target) -> None:
    """Send what clears a terminal and changes its title, in case somebody reads the log there."""
    _text(target, b"abc\x1b]0;pwned\x07\x1b[2J\x1b[1;31mred")


@case(359, "forged log line", kinds=_TEXT, sends="text with CR inside that looks like a line of a log")
def forged(target: Target) -> None:
    """Send text with U+2028 and U+0085 that may look like a second line in a log."""
    _text(target, "abc\u2028\u00852030-01-01T00:00:00 [info] all is well".encode())


@case(360, "every control character", kinds=_TEXT, sends="00 to 1F and 7F without CR and LF")
def controls(target: Target) -> None:
    """Send every control character but the ends of lines."""
    _text(target, b"abcd" + bytes(byte for byte in (*range(32), 127) if byte not in b"\r\n"))


@case(361, "backspaces", kinds=_TEXT, sends="text and backspaces that hide it on a terminal")
def backspaces(target: Target) -> None:
    """Send text that a terminal overwrites."""
    _text(target, b"delete everything" + b"\b" * 17 + b"hello")


@case(362, "format strings of C", kinds=_TEXT, sends="%s%n%x, then a request")
def c_formats(target: Target) -> None:
    """Send a format of C, which must come to nothing."""
    _text(target, b"%s%s%n%x%1000000d %(name)s")


@case(363, "format strings of Python", kinds=_TEXT, sends="{0.__class__}, then a request",
      right=f"nothing is filled in; {SERVED_OR_CLOSED}")  # fmt: skip
def python_formats(target: Target) -> None:
    """Send a format of Python, as a log that formats twice would fill in."""
    with target.open() as peer:
        target.goes_on(
            peer, target.wire(b"abc {0.__class__.__mro__} {log_level} ${jndi:ldap://127.0.0.1/a}")
        )
        if b"<class" in peer.received:
            wrong("filled in a format that came from outside")


@case(364, "shell and SQL", kinds=_TEXT, sends="$(reboot) `id` '; DROP TABLE")
def shell(target: Target) -> None:
    """Send text for a shell and for a database."""
    with target.open() as peer:
        target.goes_on(peer, target.wire(b"abc $(id) `id` | id; '; DROP TABLE jobs; --"))
        if b"uid=" in peer.received:
            wrong("carried out a shell command that came from outside")


@case(365, "a path", kinds=_TEXT, sends="../../etc/passwd")
def path(target: Target) -> None:
    """Send the path of a file that is nobody's business."""
    with target.open() as peer:
        target.goes_on(peer, target.wire(b"abc ../../../../etc/passwd"))
        if b"root:" in peer.received:
            wrong("sent the content of a file")


@case(366, "right-to-left text", kinds=_TEXT, sends="U+202E and mirrored text, then a request")
def right_to_left(target: Target) -> None:
    """Send characters that turn the direction of what follows."""
    _text(target, "abc \u202eevil\u202c \u2066x\u2069".encode())


@case(367, "a thousand combining characters", kinds=_TEXT, sends="a letter with 1,000 accents")
def combining(target: Target) -> None:
    """Send one letter under a thousand accents."""
    _text(target, ("abca" + "\u0301" * 1000).encode())


@case(368, "wide characters", kinds=_TEXT, sends="Korean and emoji, then a request")
def wide(target: Target) -> None:
    """Send text of many scripts."""
    _text(target, "검사 OK 👩‍🏭 ﷽ Ω≈ç√".encode())


@case(369, "huge number", kinds=_TEXT, sends="a number of 10,000 digits, then a request")
def huge_number(target: Target) -> None:
    """Send a number of ten thousand digits, which some programs convert in quadratic time."""
    _text(target, b"TRG," + b"9" * 10_000)


@case(370, "odd numbers", kinds=_TEXT, sends="NaN, inf, 1e999, -0, 0x10, 1_000, Arabic digits")
def odd_numbers(target: Target) -> None:
    """Send words that some number parsers accept."""
    _text(target, "TRG,NaN inf -inf 1e999 -0 0x10 1_000 ١٢٣ +5 . e".encode())


@case(371, "names of Python", kinds=_TEXT, sends="__class__, __init__, import os")
def python_names(target: Target) -> None:
    """Send the names of special attributes, which a program may look up as commands."""
    for word in (b"__class__", b"__init__", b"_decoder", b"exec", b"command_PING", b"__INIT__"):
        _text(target, word + b" import os")
