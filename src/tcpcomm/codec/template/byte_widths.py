"""
Widths that count bytes, for encodings with characters of one byte and of several bytes.

A regular expression counts characters. So a text with such widths is spread before it is matched: behind
each character stands :data:`FOLLOWING` once for each further byte. A place in the spread text is a byte.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.regex_tree import FOLLOWING, CharSet, chars
from tcpcomm.errors import CodecError, ConfigurationError

_SAMPLE: Final = ("A", "é", "가", "部", "あ", "я")


class _Spread(dict[int, str]):
    """The characters of an encoding, each with a place for each byte, for ``str.translate``."""

    def __init__(self, charset: str) -> None:
        self._charset = charset

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = character + FOLLOWING * (len(character.encode(self._charset, "replace")) - 1)
        if code < 0x10000:  # a peer could fill the memory with all others
            self[code] = found
        return found


_spread_in: Final = lru_cache(maxsize=16)(_Spread)


def spread(text: str, charset: str) -> str:
    """Return a text in which each byte of the encoding has a place."""
    return text if text.isascii() else text.translate(_spread_in(charset))


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
    size = encoding.size(text)
    if size != len(spread(text, encoding.charset)):
        raise CodecError(f"characters of it are joined in {encoding.name}")
    return size
