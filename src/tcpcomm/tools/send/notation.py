r"""
Bytes as people type them: hexadecimal (``02 41 ff``), and text with escapes (``TRG,1\r\n``).

Escapes of text are ``\r \n \t \0 \\`` and ``\xHH``. Other characters are encoded, by default in UTF-8.
A message is text, or hexadecimal behind ``hex:``. Each error names the position, counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from tcpcomm.codec.encoding import charset
from tcpcomm.errors import ConfigurationError

HEX: Final = "hex:"
"""The beginning of a message that is written in hexadecimal."""

_ESCAPES: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_NAMES: Final = {value[0]: f"\\{name}" for name, value in _ESCAPES.items()}
_BETWEEN: Final = re.compile(r"0[xX]|\\x|[\s,:;-]+")
_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


def parse_hex(text: str) -> bytes:
    r"""
    Read bytes in hexadecimal: ``02 41 ff``, ``0241FF``, ``0x02,0x41``, ``\x02\x41``.

    Raises:
        ConfigurationError: a character is not a digit, or a byte has one digit only.
    """
    return b"".join(_bytes_only(hex_tokens(text)))


def parse_text(text: str, encoding: str = "utf-8") -> bytes:
    r"""
    Read text with escapes, such as ``TRG,1\r\n`` or ``\x02LOC\x03``.

    Args:
        text: the text. A byte of a command line that is not text stays as it is.
        encoding: of the characters, such as ``cp949``.

    Raises:
        ConfigurationError: an escape is not known, or a character is not in the encoding.
    """
    return b"".join(_bytes_only(text_tokens(text, encoding)))


def _bytes_only(tokens: Iterable[bytes | str]) -> Iterator[bytes]:
    return (each for each in tokens if isinstance(each, bytes))


def hex_tokens(text: str, special: str = "", start: int = 0) -> Iterator[bytes | str]:
    """
    Yield the bytes of a text in hexadecimal, and each special word in it as text.

    Args:
        text: the text.
        special: a regular expression of the words that stay text, such as ``[*]``, or empty.
        start: the position at which the bytes begin.

    Raises:
        ConfigurationError: as :func:`parse_hex`.
    """
    word_of = re.compile(special) if special else None
    position = start
    while position < len(text):
        separator = _BETWEEN.match(text, position)
        if separator is not None:
            position = separator.end()
            continue
        word = None if word_of is None else word_of.match(text, position)
        if word is not None:
            yield word[0]
            position = word.end()
            continue
        pair = text[position : position + 2]
        if pair[0] not in _DIGITS:
            raise ConfigurationError(
                f"position {position + 1} of {text!r}: {pair[0]!r} is not a hexadecimal digit; "
                "write bytes as 02 41 ff"
            )
        if len(pair) < 2 or pair[1] not in _DIGITS:
            raise ConfigurationError(
                f"position {position + 1} of {text!r}: the byte {pair[0]!r} has one digit only; "
                f"write 0{pair[0]}, or the digit that is missing"
            )
        yield bytes.fromhex(pair)
        position += 2


def text_tokens(
    text: str, encoding: str = "utf-8", special: str = "", start: int = 0
) -> Iterator[bytes | str]:
    """
    Yield the bytes of a text with escapes, and each special word in it as text.

    Args:
        text: the text.
        encoding: of its characters.
        special: a regular expression of the words that stay text, such as ``[*?]``. A backslash before
            a character of such a word is refused as any other unknown escape; ``\\xHH`` writes it.
        start: the position at which the bytes begin.

    Raises:
        ConfigurationError: as :func:`parse_text`.
    """
    python_name = charset(encoding)
    part_of = re.compile(
        rf"\\x([0-9A-Fa-f]{{2}})|\\(x.{{0,2}}|.?)|({special or '(?!)'})|([^\\])", re.DOTALL
    )
    for part in part_of.finditer(text, start):
        code, escaped, word, plain = part.groups()
        if code is not None:
            yield bytes.fromhex(code)
        elif word is not None:
            yield word
        elif plain is not None:
            yield _encoded(plain, python_name, encoding, text, part.start())
        elif escaped in _ESCAPES:
            yield _ESCAPES[escaped]
        else:
            raise ConfigurationError(
                f"position {part.start() + 1} of {text!r}: \\{escaped} is not an escape; there are "
                "\\r \\n \\t \\0 \\xHH, and \\\\ for a backslash"
            )


def _encoded(plain: str, python_name: str, encoding: str, text: str, start: int) -> bytes:
    try:
        return plain.encode(python_name)
    except UnicodeEncodeError:
        if "\udc80" <= plain <= "\udcff":  # a byte of a command line that is not text there
            return bytes([ord(plain) - 0xDC00])
        raise ConfigurationError(
            f"position {start + 1} of {text!r}: {plain!r} does not exist in {encoding}: choose another "
            "--encoding, or write the bytes as \\xHH"
        ) from None


def parse_message(text: str, encoding: str = "utf-8") -> bytes:
    """
    Read a message: text with escapes, or bytes behind ``hex:``.

    Raises:
        ConfigurationError: as :func:`parse_text` and :func:`parse_hex`.
    """
    if text.startswith(HEX):
        return parse_hex(text[len(HEX) :])
    return parse_text(text, encoding)


def text_of(data: bytes, encoding: str = "utf-8") -> str:
    """Return bytes as text with escapes, from which :func:`parse_text` makes the same bytes."""
    python_name = charset(encoding)
    shown: list[str] = []
    position = 0
    while position < len(data):
        byte = data[position]
        if byte in _NAMES:
            shown.append(_NAMES[byte])
            position += 1
            continue
        for size in range(1, 5):  # the bytes of one character
            piece = data[position : position + size]
            if _is_character(piece, python_name):
                shown.append(piece.decode(python_name))
                position += len(piece)
                break
        else:
            shown.append(f"\\x{byte:02x}")
            position += 1
    return "".join(shown)


def _is_character(piece: bytes, python_name: str) -> bool:
    """Return True if the bytes are one visible character that is encoded to the same bytes."""
    try:
        text = piece.decode(python_name)
        return len(text) == 1 and text.isprintable() and text.encode(python_name) == piece
    except UnicodeError:
        return False
