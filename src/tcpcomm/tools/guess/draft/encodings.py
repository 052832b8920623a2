"""The encoding of captured text: :func:`encoding_of` tells it by the characters that the bytes are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from attrs import frozen

ENCODINGS: Final = ("cp949", "cp932", "gbk", "latin-1")
"""The encodings that are tried where bytes are neither ASCII nor UTF-8."""

_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7F](.{,18}[^\x00-\x7F])?")
_HALF_KANA: Final = re.compile(r"[\uFF61-\uFF9F]+")
_SIGNS: Final = frozenset("℃℉±×÷°µμΩ㎛㎜㎝㎏㏄、。，：％")
"""The signs beside words that equipment of East Asia writes."""

_FITS: Final = 0.5
"""The likeness from which on another encoding is worth a look."""


@frozen
class TextEncoding:
    """
    An encoding, and the reason to doubt it.

    Attributes:
        name: its name, as Python has it.
        doubt: the reason, as a sentence without its stop; empty if it is certain.
    """

    name: str
    doubt: str = ""


def encoding_of(texts: Iterable[bytes]) -> TextEncoding:
    """
    Return the likeliest encoding of texts.

    It is certain for ASCII and UTF-8. Other bytes are text in several encodings. The likeliest one makes
    Hangul, kana, or ideographs and signs that are in daily use of them.
    """
    distinct = [*dict.fromkeys(texts)]
    raw = b"\n".join(distinct)
    if raw.isascii():
        return TextEncoding("ascii")
    if _read(raw, "utf-8"):
        return TextEncoding("utf-8")
    likeness = {name: _likeness(text, name) for name in ENCODINGS if (text := _read(raw, name))}
    name, *others = sorted(likeness, key=lambda each: -likeness[each])
    sample = max(distinct, key=lambda each: sum(byte > 0x7F for byte in each))
    doubt = f"the encoding is guessed from {_shown(sample, name)}"
    fitting = [each for each in others if likeness[each] >= _FITS and each != "latin-1"]
    if fitting:
        readings = " and ".join(f"{_shown(sample, each)} in {each}" for each in fitting)
        doubt += f"; the same bytes are {readings}"
    return TextEncoding(name, doubt)


def _read(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _shown(sample: bytes, encoding: str) -> str:
    found = _BEYOND_ASCII.search(sample.decode(encoding))
    assert found is not None, "the text with the most bytes beyond ASCII has some"
    return repr(found[0])


def _likeness(text: str, encoding: str) -> float:
    """Return a figure that is high if the characters beyond ASCII are usual ones of one language."""
    lone = {each.start() for each in _HALF_KANA.finditer(text) if len(each[0]) == 1}
    weights = [
        -1.5 if at in lone else _weight(each, encoding) for at, each in enumerate(text) if ord(each) > 0x7F
    ]
    return sum(weights) / len(weights)


def _weight(character: str, encoding: str) -> float:
    code = ord(character)
    if encoding == "latin-1":
        return 0.6 if code >= 0xA0 else -1.5
    if character in _SIGNS:
        return 0.7
    if 0xAC00 <= code <= 0xD7A3:
        return 1.5 if len(character.encode("euc_kr")) == 2 else -1.0  # others are hardly written
    if 0x3040 <= code <= 0x30FF:
        return 1.5 if encoding == "cp932" else 0.2
    if 0x4E00 <= code < 0xA000:
        return _weight_of_ideograph(character, encoding)
    if 0xFF61 <= code <= 0xFF9F:
        return 0.7
    return -1.5 if code < 0xA0 or 0xE000 <= code < 0xF900 else 0.2


def _weight_of_ideograph(character: str, encoding: str) -> float:
    """Return the weight of an ideograph. Those in daily use stand first in their national standards."""
    if encoding == "cp949":
        return -1.0  # Korean equipment hardly writes ideographs
    standard, first, last = ("cp932", 0x88, 0x97) if encoding == "cp932" else ("gb2312", 0xB0, 0xD7)
    written = character.encode(standard, "ignore")
    if not written:
        return -0.5
    return 1.0 if first <= written[0] <= last else 0.3
