"""Bytes as people and programs write them: in hexadecimal, and as text with escapes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

_HEX: Final = re.compile(r"(?:(?:0[xX]|\\x|&[hH])?[0-9A-Fa-f]{2}[hH]?(?:[\s,:;-]+|$|(?=[0-9A-Fa-f\\])))+")
_HEX_DIGITS: Final = re.compile(r"(?:0[xX]|\\x|&[hH])?([0-9A-Fa-f]{2})[hH]?")
_SHORT_HEX: Final = re.compile(r"(?:0[xX][0-9A-Fa-f]{1,2}(?:[\s,;]+|$))+")
_SHORT_DIGITS: Final = re.compile(r"0[xX]([0-9A-Fa-f]{1,2})")
_PYTHON_ESCAPE: Final = r"""\\(?:[\\'"abfnrtv]|x[0-9A-Fa-f]{2}|[0-3][0-7]{2}|[0-7]{1,2}(?![0-7]))"""
_PYTHON_BYTES: Final = re.compile(
    rf"""b(?:'(?:[\t -&(-\[\]-~]++|{_PYTHON_ESCAPE})*+'|"(?:[\t !#-\[\]-~]++|{_PYTHON_ESCAPE})*+"),?"""
)
"""One literal of bytes and nothing else. Python may take long, and much memory, to refuse other text."""

_LITERAL: Final = re.compile(r"""(?P<quote>["']).*(?P=quote),?""", re.DOTALL)

_CONTROLS: Final = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB "
    "ESC FS GS RS US SP"
)
_NAMED: Final = {name: bytes([code]) for code, name in enumerate(_CONTROLS.split())} | {
    "DEL": b"\x7f",
    "TAB": b"\t",
    "NULL": b"\0",
    "XON": b"\x11",
    "XOFF": b"\x13",
}
_BACKSLASHED: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "a": b"\a", "b": b"\b", "f": b"\f"}
_BACKSLASHED.update({"v": b"\v", "e": b"\x1b", "\\": b"\\", '"': b'"', "'": b"'"})


def hex_bytes(text: str) -> bytes | None:
    """Return the bytes that a text shows in hexadecimal, or None if it shows something else."""
    text = text.strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex("".join(_HEX_DIGITS.findall(text)))
    if _SHORT_HEX.fullmatch(text):  # some programs write 0x0 and 0xA
        return bytes(int(each, 16) for each in _SHORT_DIGITS.findall(text))
    return None


def literal_bytes(text: str) -> bytes | None:
    """Return the bytes of a text in quotes, as Python and C write it, or None if it has none."""
    text = text.strip()
    if _PYTHON_BYTES.fullmatch(text):
        found: bytes = ast.literal_eval(text.rstrip(","))
        return found
    return _BACKSLASHES.read(text.rstrip(",")[1:-1]) if _LITERAL.fullmatch(text) else None


def _of_brackets(inside: str) -> bytes | None:
    code = re.fullmatch(r"(?:0[xX])?([0-9A-Fa-f]{2})[hH]?", inside)
    return bytes.fromhex(code[1]) if code else _NAMED.get(inside.upper())


@frozen
class Escapes:
    """
    One way to write bytes that are not letters.

    Args:
        name: the way for people.
        pattern: finds an escape. Its first group goes to ``value``.
        value: returns the byte, or None if this is text all the same.
    """

    name: str
    pattern: re.Pattern[str]
    value: Callable[[str], bytes | None]

    def count(self, text: str) -> int:
        """Return the number of escapes in a text."""
        return sum(self.value(match[1]) is not None for match in self.pattern.finditer(text))

    def read(self, text: str) -> bytes:
        """Return the bytes of a text."""
        parts, end = [], 0
        for match in self.pattern.finditer(text):
            value = self.value(match[1])
            if value is not None:
                parts += [plain_bytes(text[end : match.start()]), value]
                end = match.end()
        return b"".join([*parts, plain_bytes(text[end:])])


def plain_bytes(text: str) -> bytes:
    """Return the bytes of a text without escapes. A byte that is not text came from the file as it is."""
    return text.encode("utf-8", "surrogateescape")


def _of_backslash(after: str) -> bytes | None:
    if after[0] == "x":
        return bytes.fromhex(after[1:]) if len(after) == 3 else None
    return _BACKSLASHED.get(after)


def _of_decimal(digits: str) -> bytes | None:
    return bytes([int(digits)]) if int(digits) < 256 else None


_BACKSLASHES: Final = Escapes(r"\r\n", re.compile(r"\\(x[0-9A-Fa-f]{2}|.)"), _of_backslash)

ALL_ESCAPES: Final = (
    Escapes("{0D}{0A}", re.compile(r"\{(\w{2,4})\}"), _of_brackets),
    Escapes("<CR><LF>", re.compile(r"<(\w{2,4})>"), _of_brackets),
    Escapes("[CR][LF]", re.compile(r"\[(\w{2,4})\]"), _of_brackets),
    _BACKSLASHES,
    Escapes("$0D$0A", re.compile(r"\$([0-9A-Fa-f]{2})"), bytes.fromhex),
    Escapes("#013#010", re.compile(r"#([0-9]{3})"), _of_decimal),
    Escapes("␍␊", re.compile(r"([␀-␟])"), lambda sign: bytes([ord(sign) - 0x2400])),
)


def escapes_in(texts: Sequence[str]) -> Escapes | None:
    """Return the way in which most escapes of these texts are written, or None if they have none."""
    counts = [(sum(each.count(text) for text in texts), each) for each in ALL_ESCAPES]
    most, found = max(counts, key=lambda pair: pair[0])
    return found if most else None
