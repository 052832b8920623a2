"""
Numbers in hexadecimal as a computer holds them: two's complement, and floats of IEEE 754.

``FFF92230`` is -450000 with the format ``Xi32``, and ``3F800000`` is 1.0 with ``Xf32``. The functions raise
ConfigurationError for a format specification that does not suit the type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from numbers import Integral, Real
from random import Random
from typing import Any, Final

from tcpcomm.codec.problems import wrong
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.format_spec import FormatSpec
from tcpcomm.codec.template.regex_tree import HEX, Run
from tcpcomm.errors import CodecError

WIDEST: Final = 64
"""The most bits of a number that a computer holds."""

_FLOATS: Final = {16: ">e", 32: ">f", 64: ">d"}


def hex_int_type(format_spec: FormatSpec) -> FieldType:
    """Return the field type of ``int`` in so many bits: ``Xi32`` with a sign, ``Xu16`` without one."""
    _check(format_spec, "int", "iu")
    bits, signed = format_spec.bits, format_spec.machine.startswith("i")
    if not 4 <= bits <= WIDEST or bits % 4:
        raise format_spec.error(f"a number in hexadecimal has 4 to {WIDEST} bits, 4 for each digit")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    digits = bits // 4
    is_whole = format_spec.is_little_endian
    width = digits if is_whole else format_spec.width

    def write(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise wrong("a whole number", value)
        number = int(value)
        if not low <= number <= high:
            raise wrong(f"a whole number from {low} to {high}", value)
        text = format(number % (1 << bits), f"0{width or 1}X")
        if width is not None and len(text) != width:
            raise CodecError(f"{number} does not fit into {width} hexadecimal digits")
        return text

    def read(text: str) -> int:
        number = int(text, 16)
        return number - (1 << bits) if number > high else number

    def draw(random: Random) -> int:
        likely = random.randint(max(low, -99), min(high, 999))
        value = random.choice((likely, likely, random.randint(low, high)))
        if width is not None and width < digits:
            value = random.randrange(min(1 << 4 * width, high + 1))
        return value

    few, most = (1, digits) if width is None else (width, width)
    description = f"a hexadecimal number of {bits} bits" + (" with a sign" if signed else "")
    return _in_order(FieldType(description, Run(HEX, few, most), write, read, draw), format_spec)


def hex_float_type(format_spec: FormatSpec) -> FieldType:
    """Return the field type of ``float`` as the digits of its bits: ``Xf32``, ``Xf64``."""
    _check(format_spec, "float", "f")
    bits = format_spec.bits
    if bits not in _FLOATS:
        raise format_spec.error("a float in hexadecimal has 16, 32 or 64 bits: write Xf32 or Xf64")
    packed = struct.Struct(_FLOATS[bits])

    def write(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise wrong("a number", value)
        try:
            return packed.pack(float(value)).hex().upper()
        except OverflowError:
            raise wrong(f"a number that {bits} bits can hold", value) from None

    def read(text: str) -> float:
        return float(packed.unpack(bytes.fromhex(text))[0])

    def draw(random: Random) -> float:
        likely = round(random.uniform(-999, 999), 3)
        return read(write(random.choice((likely, float(random.randint(0, 99))))))

    digits = bits // 4
    kind = FieldType(f"a float in {digits} hexadecimal digits", Run(HEX, digits, digits), write, read, draw)
    return _in_order(kind, format_spec)


def _check(format_spec: FormatSpec, of: str, letters: str) -> None:
    format_spec.allow_only("zero", "width", "type", "machine", of=f"{of} in hexadecimal")
    if format_spec.machine[0] not in letters:
        raise format_spec.error(f"write {of} with {' or '.join(f'X{each}32' for each in letters)}")
    if format_spec.type not in ("x", "X"):
        raise format_spec.error(f"write X or x before {format_spec.machine}")
    if format_spec.width is not None and not format_spec.zero:
        raise format_spec.error("write a zero before the width, as in 08Xi32, because zeros fill it")
    digits = format_spec.bits // 4
    is_whole = of == "float" or format_spec.is_little_endian
    if format_spec.width is not None and (
        format_spec.width > digits or (is_whole and format_spec.width != digits)
    ):
        raise format_spec.error(f"{format_spec.bits} bits are {digits} digits: remove the width")
    if format_spec.is_little_endian and format_spec.bits % 8:
        raise format_spec.error("the order of bytes needs whole bytes: 8, 16, 24, ... bits")


def _in_order(kind: FieldType, format_spec: FormatSpec) -> FieldType:
    """Return the type with its digits in the declared case and order of bytes."""

    def turned(text: str) -> str:
        return bytes.fromhex(text)[::-1].hex().upper() if format_spec.is_little_endian else text

    write: Callable[[Any], str] = kind.write
    read: Callable[[str], Any] = kind.read
    lower = format_spec.type == "x"
    return FieldType(
        kind.description,
        kind.pattern,
        lambda value: turned(write(value)).lower() if lower else turned(write(value)),
        lambda text: read(turned(text)),
        kind.draw,
    )
