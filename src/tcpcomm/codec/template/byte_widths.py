"""
Widths that count bytes, for encodings with characters of one byte and of several bytes.

A regular expression counts characters. So a text with such widths is spread before it is matched: behind
each character stands :data:`FOLLOWING` once for each further byte. A place in the spread text is a byte.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.regex_tree import FOLLOWING, CharSet, chars
from tcpcomm.errors import CodecError, ConfigurationError

_SAMPLE: Final = ("A", "é", "가", "部", "あ", "я")
_not_ascii: Final = re.compile(r"[^\x00-\x7f]")


def spread(text: str, charset: str) -> str:
    """Return a text in which each byte of the encoding has a place."""
    if text.isascii():
        return text

    def wide(match: re.Match[str]) -> str:
        return match[0] + FOLLOWING * (len(match[0].encode(charset, "replace")) - 1)

    return _not_ascii.sub(wide, text)


def gathered(text: str) -> str:
    """Return the text that was spread."""
    return text.replace(FOLLOWING, "")


@lru_cache(maxsize=16)
def sizes_of(encoding: Encoding) -> tuple[tuple[int, CharSet], ...]:
    """
    Return the numbers of bytes that a character of an encoding can have, and the characters of each.

    Raises:
        ConfigurationError: a character's bytes depend on other characters.
    """
    charset = encoding.charset
    for each in _SAMPLE:
        try:
            one, two = len(each.encode(charset)), len((each * 2).encode(charset))
        except UnicodeError:
            continue
        if two != 2 * one or (each.isascii() and one != 1):
            raise ConfigurationError(f"a width in bytes is not possible in {encoding.name}")
    found: dict[int, list[str]] = {}
    for number in (*range(0xD800), *range(0xE000, 0x10000)):
        try:
            size = len(chr(number).encode(charset))
        except UnicodeError:
            continue
        found.setdefault(size, []).append(chr(number))
    sizes = {size: chars(members) for size, members in found.items()}
    if encoding.carries("\U0001f600"):  # all characters beyond the first 65,536 have one size
        largest = len("\U0001f600".encode(charset))
        others = (members for size, members in found.items() if size != largest)
        sizes[largest] = CharSet(frozenset(each for members in others for each in members), True)
    return tuple(sizes.items())


def size_in(encoding: Encoding, text: str) -> int:
    """Return the bytes of a text. Raises CodecError if it cannot be written."""
    size = len(encoding.encode(text))
    if size != len(spread(text, encoding.charset)):
        raise CodecError(f"characters of it are joined in {encoding.name}")
    return size
