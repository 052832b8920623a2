"""
How everything that is no number stands in a template: texts, bytes as hex, truth values, enumerations.

Widths count characters, in whatever encoding: in shift_jis one character may be two bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, Flag
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.template.field_type import FieldType, refused, shown
from tcpcomm.codec.template.format_spec import Spec
from tcpcomm.codec.template.number_fields import int_type
from tcpcomm.codec.template.regex_tree import HEX, CharSet, Choice, Many, Maybe, Run, literal
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["bool_type", "bytes_type", "enum_type", "literal_type", "str_type"]

WIDEST: Final = 1000
"""Characters in a text of fixed width."""

_DRAWN: Final = f"{ascii_letters}{digits} _-."


def str_type(spec: Spec, stops: frozenset[str], *, empty: bool = True) -> FieldType:
    """
    ``str``: up to the character that may follow it, or of fixed width.

    Args:
        spec: of it, only width, alignment and fill.
        stops: the characters that end it, so that it cannot hold them.
        empty: whether it may be empty.

    Raises:
        ConfigurationError: the specification is not one for texts.
    """
    spec.only("align", "width", of="str")
    if spec.width is not None:
        return _fixed_str_type(spec, spec.width)
    if spec.align:
        raise ConfigurationError(f"{spec.text!r}: an alignment needs a width")
    shape = Run(CharSet(stops, True), 0 if empty else 1, None)
    allowed = re.compile(shape.regex(), re.DOTALL).fullmatch

    def write(value: Any) -> str:
        if not isinstance(value, str):
            raise refused(value, "a text")
        if allowed(value) is None:
            found = next((each for each in value if each in stops), None)
            if found is None:
                raise CodecError("the text is empty, and would not be seen")
            raise CodecError(f"{shown(value)} holds {found!r}, which ends this text on the wire")
        return value

    alphabet = "".join(each for each in _DRAWN if each not in stops)

    def draw(random: Random) -> str:
        size = random.randint(0 if empty and random.random() < 0.1 else 1, 12)
        return "".join(random.choices(alphabet, k=size)) if alphabet else ""

    return FieldType("a text", shape, write, str, draw)


def _fixed_str_type(spec: Spec, width: int) -> FieldType:
    if spec.align == "^":
        raise ConfigurationError(f"{spec.text!r}: a text stands left (<) or right (>)")
    if width > WIDEST:
        raise ConfigurationError(f"{spec.text!r}: a text is at most {WIDEST} characters wide")
    right = spec.align == ">"
    fill = spec.fill
    says = f"a text in {width} characters"

    def write(value: Any) -> str:
        if not isinstance(value, str):
            raise refused(value, "a text")
        if len(value) > width:
            raise CodecError(f"{shown(value)} does not fit into {width} characters")
        if read(value) != value:
            raise CodecError(
                f"{shown(value)} has {fill!r} at an end, where it fills the width and is taken off"
            )
        return value.rjust(width, fill) if right else value.ljust(width, fill)

    def read(text: str) -> str:
        return text.lstrip(fill) if right else text.rstrip(fill)

    def draw(random: Random) -> str:
        return read("".join(random.choices(_DRAWN, k=random.randint(1, min(width, 12)))))

    return FieldType(says, Run(CharSet(frozenset(), True), width, width), write, read, draw)


def bytes_type(spec: Spec) -> FieldType:
    """
    ``bytes``: two hexadecimal digits each, upper case unless the specification says ``x``.

    Raises:
        ConfigurationError: the specification is none for bytes, or its width, which counts digits, is odd.
    """
    spec.only("zero", "width", "type", of="bytes")
    if spec.type not in ("", "x", "X"):
        raise ConfigurationError(f"{spec.text!r}: bytes are written with x or X")
    width = spec.width
    if width is not None and (width % 2 or width > WIDEST):
        raise ConfigurationError(f"{spec.text!r}: bytes have two digits each, and at most {WIDEST} in all")
    says = "bytes in hexadecimal" + (f", {width} digits" if width is not None else "")

    def write(value: Any) -> str:
        if not isinstance(value, bytes):
            raise refused(value, "bytes")
        text = value.hex()
        if width is not None and len(text) != width:
            raise CodecError(f"{len(value)} bytes do not make {width} digits")
        return text if spec.type == "x" else text.upper()

    def draw(random: Random) -> bytes:
        return random.randbytes(random.randrange(9) if width is None else width // 2)

    pairs = Maybe(Many(Run(HEX, 2, 2), "")) if width is None else Run(HEX, width, width)
    return FieldType(says, pairs, write, bytes.fromhex, draw)


def _word_type(says: str, words: Mapping[Any, str], spec: Spec) -> FieldType:
    """One of several values, each with its word."""
    if spec.width is not None:
        pad = str.rjust if spec.align == ">" else str.ljust
        words = {value: pad(word, spec.width, spec.fill) for value, word in words.items()}
    values = {word: value for value, word in words.items()}
    if len(values) < len(words):
        raise ConfigurationError(f"two of its values are written alike: {', '.join(words.values())}")
    for word in values:
        if not word:
            raise ConfigurationError("one of its values would be written as nothing")
        if spec.width is not None and len(word) != spec.width:
            raise ConfigurationError(f"{word!r} does not fit into {spec.width} characters")
    kinds = {type(value) for value in words}
    listed = ", ".join(map(repr, words.values()))

    def write(value: Any) -> str:
        if type(value) not in kinds:
            value = native(value)
        if type(value) not in kinds or value not in words:
            raise CodecError(f"{shown(value)} is none of {says}: {listed}{_member(words, value)}")
        return words[value]

    drawn = list(words)
    longest_first = sorted(values, key=len, reverse=True)
    return FieldType(
        f"one of {listed}",
        Choice(map(literal, longest_first)),
        write,
        values.__getitem__,
        lambda random: random.choice(drawn),
    )


def _member(words: Mapping[Any, str], value: Any) -> str:
    """What to return where the value of an enumeration's member was given for the member itself."""
    for each in words:
        if isinstance(each, Enum) and type(each.value) is type(value) and each.value == value:
            return f"; return {type(each).__name__}.{each.name}"
    return ""


def bool_type(spec_text: str) -> FieldType:
    """
    ``bool``: ``1`` and ``0``, or the two words of the specification, true first: ``ON|OFF``.

    Raises:
        ConfigurationError: the specification is not two different words.
    """
    true, bar, false = (spec_text or "1|0").partition("|")
    if not bar or not true or not false or "|" in false:
        raise ConfigurationError(
            f"{spec_text!r}: bool is written with two words, the true one first: ON|OFF"
        )
    return _word_type("true and false", {True: true, False: false}, Spec())


def enum_type(kind: type[Enum], spec: Spec) -> FieldType:
    """
    An enumeration, by the values of its members: all of them words, or all whole numbers.

    Raises:
        ConfigurationError: the values are something else, or the specification is not one for them.
    """
    if issubclass(kind, Flag):
        raise ConfigurationError(
            f"{kind.__name__} is a set of flags: declare int, and make the flags of it"
        )
    return _valued_type(kind.__name__, {member: member.value for member in kind}, spec)


def literal_type(choices: tuple[Any, ...], spec: Spec) -> FieldType:
    """
    ``Literal``: words, or whole numbers.

    Raises:
        ConfigurationError: it is made of something else, or the specification is not one for them.
    """
    return _valued_type("the choices", {choice: choice for choice in choices}, spec)


def _valued_type(says: str, values: Mapping[Any, Any], spec: Spec) -> FieldType:
    kinds = {int if issubclass(type(each), int) else type(each) for each in values.values()}
    if any(isinstance(each, bool) for each in values.values()) or kinds not in ({int}, {str}):
        raise ConfigurationError(f"the values of {says} must all be words, or all be whole numbers")
    if kinds == {int}:
        write = int_type(spec).write
        try:
            return _word_type(says, {each: write(value) for each, value in values.items()}, Spec())
        except CodecError as error:
            raise ConfigurationError(error.reason) from None
    spec.only("align", "width", of="a choice of words")
    return _word_type(says, dict(values), spec)
