"""
Messages that may be hexadecimal text: :func:`in_hex_text`.

The digits can be the text itself, or stand for bytes. Both cut alike, and only a checksum of the bytes
tells which. Without one the text is the plain answer, and the bytes are a variant of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import Framing, decode
from tcpcomm.framing.notation import format_framing, parse_framing
from tcpcomm.framing.wrappers import HexText

HEX_TEXT_OPTIONS: Final = ("hex-text", "hex-text-lower")
"""The words of its options in the notation."""

_FEWEST: Final = 5  # different messages
_SAMPLE: Final = 100
_LETTERS: Final = {False: frozenset(b"ABCDEF"), True: frozenset(b"abcdef")}
_DIGITS: Final = frozenset(b"0123456789")
_NEEDED: Final = 0.25  # of the messages that hold a letter and a decimal digit


def in_hex_text(notation: str, frames: Sequence[bytes]) -> str | None:
    """
    Return a framing with ``hex-text``, if the contents of all frames are pairs of digits in one case.

    Args:
        notation: the framing of the text, without a checksum.
        frames: the whole frames on the wire.
    """
    framing = parse_framing(notation)
    for lower, letters in _LETTERS.items():
        digits = _DIGITS | letters
        if not _are_pairs(_contents(framing, frames[:1]), digits):
            continue
        contents = _contents(framing, frames[:_SAMPLE])
        mixed = [each for each in contents if letters.intersection(each) and _DIGITS.intersection(each)]
        many = len({*contents}) >= _FEWEST and len(mixed) >= _NEEDED * len(contents)
        if many and _are_pairs(contents, digits):
            return _written(HexText(framing, lower=lower))
    return None


def _contents(framing: Framing, frames: Sequence[bytes]) -> list[bytes]:
    found = decode(framing.decoder(), b"".join(frames))
    return [each for got in found if isinstance(got, list) for each in got]


def _are_pairs(contents: Sequence[bytes], digits: frozenset[int]) -> bool:
    return all(len(each) % 2 == 0 and digits.issuperset(each) for each in contents)


def _written(framing: HexText) -> str | None:
    try:
        return format_framing(framing)
    except ConfigurationError:
        return None  # the notation has no word for what lies inside
