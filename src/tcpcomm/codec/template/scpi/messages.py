"""
Program messages of IEEE 488.2: the units of a line, and the parameters of a unit.

Units are separated by ``;`` and parameters by ``,``. Strings in quotes, with the quote doubled inside, and
binary blocks hold both of them as data.
"""

from __future__ import annotations

import re
from typing import Final

from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import CodecError

BLANKS: Final = "".join(map(chr, range(33)))
"""White space: all control characters and the blank. The line end is taken off by the framing."""

_STRING: Final = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'", re.DOTALL)
_PLAIN: Final = re.compile(r"[^;,\"'#]+")


class CodedError(CodecError):
    """
    A line that an instrument refuses.

    Attributes:
        code: the number of the error in SCPI.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def split(text: str, separator: str) -> list[str]:
    """Split a text at a separator that is not in a string or a block, and take off white space."""
    parts: list[str] = []
    begin = at = kept = 0
    while True:
        end = _token(text, at) if at < len(text) else at
        if at == len(text) or text[at:end] == separator:
            # White space at the end of a block is data.
            parts.append((text[begin:kept] + text[max(begin, kept) : at].rstrip(BLANKS)).lstrip(BLANKS))
            if at == len(text):
                return parts
            begin = kept = end
        elif text[at] == "#":
            kept = end
        at = end


def _token(text: str, at: int) -> int:
    """Return the end of a string, a block, a separator, or of what stands between them."""
    each = text[at]
    if each in "\"'":
        found = _STRING.match(text, at)
        if found is None:
            raise CodedError(-151, f"the string {brief_repr(text[at:])} does not end")
        return found.end()
    if each == "#":
        return _block_end(text, at)
    if each in ";,":
        return at + 1
    found = _PLAIN.match(text, at)
    assert found is not None
    return found.end()


def _block_end(text: str, at: int) -> int:
    """Return the end of a block, or of the mark of another kind of data."""
    digit = text[at + 1 : at + 2]
    if digit == "0":
        return len(text)
    if not digit or digit not in "123456789":
        return at + 1
    begin = at + 2 + int(digit)
    length = text[at + 2 : begin]
    if len(length) < int(digit) or not (length.isascii() and length.isdigit()):
        raise CodedError(-161, f"the block {brief_repr(text[at:begin])} has no length")
    if begin + int(length) > len(text):
        left = len(text) - begin
        raise CodedError(-161, f"the block says {int(length)} bytes, but there are {left}")
    return begin + int(length)


def split_unit(unit: str) -> tuple[str, list[str]]:
    """Return the header of a unit, and its parameters."""
    header, _, rest = _first_blank(unit)
    return header, split(rest, ",") if rest else []


def _first_blank(unit: str) -> tuple[str, str, str]:
    for at, each in enumerate(unit):
        if each in BLANKS:
            return unit[:at], each, unit[at + 1 :].lstrip(BLANKS)
    return unit, "", ""
