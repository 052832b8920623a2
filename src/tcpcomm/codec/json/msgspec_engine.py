"""
The fast engine through msgspec, which takes a fraction of the time of Python's json, and is less strict.

A result of msgspec is used only if it is provably the one of the standard engine. The page
docs/explanation/json-engines.md shows the differences, and why each proof holds.
"""

from __future__ import annotations

import re
from types import GenericAlias
from typing import Any, Final

from attrs import frozen
from msgspec.json import Decoder, Encoder

from tcpcomm.codec.base import MISSING

_MAX_DEPTH: Final = 7
"""
The most lists and objects within each other. Without a bound both engines stop where the interpreter's
stack ends, but at different depths. The size of the type below doubles with each level.
"""


def _values(levels: int) -> Any:
    """Return the type of values of JSON with at most so many levels."""
    leaf = None | bool | int | float | str
    if levels == 0:
        return leaf
    inner = _values(levels - 1)
    return leaf | GenericAlias(list, (inner,)) | GenericAlias(dict, (str, inner))


_decode: Final = Decoder(_values(_MAX_DEPTH)).decode
_encode: Final = Encoder().encode

if type(_decode(str(2**64))) is not int:
    raise ImportError("this msgspec reads large whole numbers as floats: install msgspec 0.18 or later")

_exponent: Final = re.compile(r"e(?<=[0-9]e)").search
"""Finds 1e16. It searches for the e first, because an e is rarer than a digit."""


@frozen
class Msgspec:
    """
    A :class:`~tcpcomm.codec.json.engines.FastEngine`.

    Args:
        ascii: whether other characters must be written as ``\\uXXXX``, which msgspec cannot.
    """

    ascii: bool

    def read(self, text: str) -> Any:
        if "\\" in text:
            return MISSING
        try:
            value = _decode(text)
            # msgspec keeps the last of equal keys. A lost key takes its colon with it. Without a backslash
            # in the text, all other colons are written again as they were read.
            if _encode(value).count(b":") == text.count(":"):
                return value
        except Exception:  # the standard engine raises the error, in its own words
            pass
        return MISSING

    def write(self, value: Any) -> str | None:
        try:
            frame = _encode(value)
            text: str = frame.decode()
            # Python writes 1e16 as 1e+16, and 0.00001 as 1e-05. msgspec writes values that JSON does not
            # have, such as NaN, bytes and dates, as null or text, which differ when they are read again.
            if (
                "0.0000" not in text
                and _exponent(text) is None
                and (not self.ascii or (text.isascii() and text.isprintable()))
                and _decode(frame) == value
            ):
                return text
        except Exception:  # the standard engine raises the error, in its own words
            pass
        return None
