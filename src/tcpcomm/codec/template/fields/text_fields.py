"""
Fields of templates that are not numbers: texts, bytes in hexadecimal, truth values, enumerations.

Widths count characters, or bytes with the letter ``b``. The functions raise ConfigurationError for a format
specification, or for values, that do not suit the type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, Flag
from functools import partial
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from tcpcomm.codec.encoding import encoding_in_use
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.problems import brief_repr, wrong
from tcpcomm.codec.template.byte_widths import size_in, sizes_of
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.format_spec import FormatSpec
from tcpcomm.codec.template.fields.ieee488_fields import quoted_str_type
from tcpcomm.codec.template.fields.number_fields import int_type
from tcpcomm.codec.template.regex_tree import (
    ANY,
    HEX,
    CharSet,
    Choice,
    Many,
    Maybe,
    Run,
    Sized,
    TextPattern,
    literal,
)
from tcpcomm.errors import CodecError, ConfigurationError

WIDEST: Final = 1000
"""The most characters of a fixed width."""

_DRAWN: Final = f"{ascii_letters}{digits} _-."


def str_type(format_spec: FormatSpec, stops: frozenset[str], *, empty: bool = True) -> FieldType:
    """
    Return the field type of ``str``, of fixed width, or up to one of the characters ``stops``.

    A text without a width can be empty if ``empty`` is True.
    """
    if format_spec.type == "q":
        return quoted_str_type(format_spec)
    format_spec.allow_only("align", "width", "type", of="str")
    if format_spec.type not in ("", "b"):
        raise format_spec.error("the letter of a text is b, for a width in bytes, or q, for quotes")
    if format_spec.width is not None:
        return _fixed_str_type(format_spec, format_spec.width)
    if format_spec.type:
        raise format_spec.error("write the width in bytes before the b, as in 12b")
    if format_spec.align:
        raise format_spec.error("an alignment needs a width")
    pattern = Run(CharSet(stops, True), 0 if empty else 1, None)
    allowed = re.compile(pattern.regex(), re.DOTALL).fullmatch

    def write(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong("a text", value)
        if allowed(value) is None:
            found = next((each for each in value if each in stops), None)
            if found is None:
                raise CodecError("must not be empty: an empty text cannot be read here")
            raise CodecError(f"{brief_repr(value)} contains {found!r}, which ends this text on the wire")
        return value

    alphabet = "".join(each for each in _DRAWN if each not in stops)

    def draw(random: Random) -> str:
        size = random.randint(0 if empty and random.random() < 0.1 else 1, 12)
        return "".join(random.choices(alphabet, k=size)) if alphabet else ""

    return FieldType("a text", pattern, write, str, draw)


def _fixed_str_type(format_spec: FormatSpec, width: int) -> FieldType:
    if format_spec.align == "^":
        raise format_spec.error("align texts left (<) or right (>)")
    if width > WIDEST:
        raise format_spec.error(f"a text is at most {WIDEST} characters wide")
    right = format_spec.align == ">"
    fill = format_spec.fill
    size_of, unit = _measure(format_spec)
    pattern: TextPattern = Run(ANY, width, width)
    if unit == "bytes":
        pattern = Sized(width, sizes_of(encoding_in_use()))

    def write(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong("a text", value)
        size = size_of(value)
        if size > width:
            raise CodecError(f"{brief_repr(value)} does not fit into {width} {unit}, because it has {size}")
        if read(value) != value:
            raise CodecError(
                f"{brief_repr(value)} has {fill!r} at an end, where the reader removes it as filling"
            )
        filling = fill * (width - size)
        return filling + value if right else value + filling

    def read(text: str) -> str:
        return text.lstrip(fill) if right else text.rstrip(fill)

    def draw(random: Random) -> str:
        return read("".join(random.choices(_DRAWN, k=random.randint(1, min(width, 12)))))

    return FieldType(f"a text in {width} {unit}", pattern, write, read, draw)


def _measure(format_spec: FormatSpec) -> tuple[Callable[[str], int], str]:
    """Return a function for the size of a text, and the unit that it counts in."""
    if format_spec.type != "b":
        return len, "characters"
    encoding = encoding_in_use()
    sizes_of(encoding)
    if not encoding.carries(format_spec.fill) or size_in(encoding, format_spec.fill) != 1:
        raise format_spec.error(f"{format_spec.fill!r} must have one byte to fill a width in bytes")
    return partial(size_in, encoding), "bytes"


def bytes_type(format_spec: FormatSpec) -> FieldType:
    """Return the field type of ``bytes``: two hexadecimal digits for each, lower case with ``x``."""
    format_spec.allow_only("zero", "width", "type", of="bytes")
    if format_spec.type not in ("", "x", "X"):
        raise format_spec.error("write bytes with x or X")
    width = format_spec.width
    if width is not None and (width % 2 or width > WIDEST):
        raise format_spec.error(f"a byte has two digits, so the width must be even, and at most {WIDEST}")
    description = "bytes in hexadecimal" + (f", {width} digits" if width is not None else "")

    def write(value: Any) -> str:
        if not isinstance(value, bytes):
            raise wrong("bytes", value)
        text = value.hex()
        if width is not None and len(text) != width:
            raise CodecError(f"must be {width // 2} bytes, not {len(value)}")
        return text if format_spec.type == "x" else text.upper()

    def draw(random: Random) -> bytes:
        return random.randbytes(random.randrange(9) if width is None else width // 2)

    pairs = Maybe(Many(Run(HEX, 2, 2), "")) if width is None else Run(HEX, width, width)
    return FieldType(description, pairs, write, bytes.fromhex, draw)


def _word_type(name: str, words: Mapping[Any, str], format_spec: FormatSpec) -> FieldType:
    """Return the field type ``name`` of a few values, each with its word, in this width and alignment."""
    width = format_spec.width
    if width is not None:
        size_of, unit = _measure(format_spec)
        for value, word in list(words.items()):
            if not word:
                continue
            filling = format_spec.fill * (width - size_of(word))
            words = {**words, value: filling + word if format_spec.align == ">" else word + filling}
    values = {word: value for value, word in words.items()}
    if len(values) < len(words):
        raise ConfigurationError(f"two of its values have the same text: {', '.join(words.values())}")
    for word in values:
        if not word:
            raise ConfigurationError("one of its values has an empty text")
        if width is not None and size_of(word) != width:
            raise ConfigurationError(f"{word!r} does not fit into {width} {unit}")
    kinds = {type(value) for value in words}
    listed = ", ".join(map(repr, words.values()))
    expected = f"a value of {name} ({listed})"

    def write(value: Any) -> str:
        if type(value) not in kinds:
            value = native(value)
        if type(value) not in kinds or value not in words:
            raise CodecError(wrong(expected, value).reason + _member_hint(words, value))
        return words[value]

    choices = list(words)
    longest_first = sorted(values, key=len, reverse=True)
    return FieldType(
        f"one of {listed}",
        Choice(map(literal, longest_first)),
        write,
        values.__getitem__,
        lambda random: random.choice(choices),
    )


def _member_hint(words: Mapping[Any, str], value: Any) -> str:
    """Return a hint if the value of an enumeration's member was given instead of the member."""
    for each in words:
        if isinstance(each, Enum) and type(each.value) is type(value) and each.value == value:
            return f": use {type(each).__name__}.{each.name}"
    return ""


def bool_type(words: str) -> FieldType:
    """Return the field type of ``bool``: ``1`` and ``0``, or two words, for true first: ``ON|OFF``."""
    true, bar, false = (words or "1|0").partition("|")
    if not bar or not true or not false or "|" in false:
        raise ConfigurationError(f"{words!r}: write bool as two words, the one for true first: ON|OFF")
    return _word_type("bool", {True: true, False: false}, FormatSpec())


def enum_type(kind: type[Enum], format_spec: FormatSpec) -> FieldType:
    """Return the field type of an enumeration, written as the values of its members."""
    if issubclass(kind, Flag):
        raise ConfigurationError(
            f"{kind.__name__} is a set of flags, which a template cannot write: declare int, and convert it"
        )
    return choice_type(kind.__name__, {member: member.value for member in kind}, format_spec)


def choice_type(name: str, values: Mapping[Any, Any], format_spec: FormatSpec) -> FieldType:
    """Return the field type of several choices, and the word or the whole number of each."""
    kinds = {int if issubclass(type(each), int) else type(each) for each in values.values()}
    if any(isinstance(each, bool) for each in values.values()) or kinds not in ({int}, {str}):
        raise ConfigurationError(f"the values of {name} must all be words, or all be whole numbers")
    if kinds == {int}:
        write = int_type(format_spec).write
        try:
            words = {each: write(value) for each, value in values.items()}
        except CodecError as error:
            raise ConfigurationError(error.reason) from None
        return _word_type(name, words, FormatSpec())
    if format_spec.type == "b":
        format_spec.allow_only("align", "width", "type", of="a choice of words")
    else:
        format_spec.allow_only("align", "width", of="a choice of words")
    return _word_type(name, dict(values), format_spec)
