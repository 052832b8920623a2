"""
How numbers stand in a template: ``int``, ``float`` and ``Decimal``, by format specification.

A specification rules what is written, and only that form is read, in exactly its width if it has one.
Without one, and with ``g``, every usual way to write such a number is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from itertools import product
from math import inf
from numbers import Integral, Real
from random import Random
from typing import Any, Final

from attrs import evolve, frozen

from tcpcomm.codec.template.field_type import FieldType, Plain, refused
from tcpcomm.codec.template.format_spec import Spec
from tcpcomm.codec.template.regex_tree import (
    DIGIT,
    EMPTY,
    HEX,
    CharSet,
    Choice,
    Maybe,
    Run,
    Seq,
    Shape,
    chars,
    literal,
)
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["decimal_type", "float_type", "int_type"]

WIDEST: Final = 32
"""Characters in a number of fixed width: more than a float can fill, and few enough to decide about."""

MOST_DIGITS: Final = 18
"""Digits before the point of a number with decimals: more than a float tells apart."""

LARGEST_ROUNDED: Final = 1e308
"""Floats below it stay finite when they are rounded to any number of digits."""

LARGEST_STEPS: Final = 10**15
"""Whole numbers up to here, divided by a power of ten, are all different floats."""

_SIGNS: Final = {"-": (chars("-"), 0), "+": (chars("+-"), 1), " ": (chars(" -"), 1)}
"""For each sign option: which characters may stand there, and how many at least; there is at most one."""

_HARMLESS: Final = re.compile(r"[ +\-.0-9a-zA-Z]*")
"""Specifications that mean the same in the source of an f-string."""

_ANY_INT: Final = Seq((Run(chars("+-"), 0, 1), Run(DIGIT, 1, None)))
_ANY_NUMBER: Final = Seq(
    (
        Run(chars("+-"), 0, 1),
        Choice(
            (
                Seq((Run(DIGIT, 1, None), Maybe(Seq((literal("."), Run(DIGIT, 0, None)))))),
                Seq((literal("."), Run(DIGIT, 1, None))),
            )
        ),
        Maybe(Seq((Run(chars("eE"), 1, 1), Run(chars("+-"), 0, 1), Run(DIGIT, 1, None)))),
    )
)


@frozen
class _Layout:
    """The form of a number: a sign, leading digits, and what stands behind them."""

    spec: Spec
    digits: CharSet = DIGIT
    most: int | None = None
    """How many leading digits there may be."""
    rest: tuple[Shape, ...] = (EMPTY,)
    rest_sizes: tuple[int, ...] = (0,)
    signed: bool = True

    def _signs(self) -> tuple[CharSet, int, int]:
        """The characters of the sign, and how many of them there are at least and at most."""
        if not self.signed:
            return chars("-"), 0, 0
        return (*_SIGNS[self.spec.sign or "-"], 1)

    def leading(self, size: int, *, negative: bool) -> int:
        """How many leading digits there is room for."""
        _, fewest, most = self._signs()
        return size - (most if negative else fewest) - min(self.rest_sizes)

    def shape(self) -> Shape:
        width = self.spec.width
        if width is None:
            lead = Run(self.digits, 1, self.most)
            return Seq(
                (Run(*self._signs()), lead, Choice(self.rest) if len(self.rest) > 1 else self.rest[0])
            )
        if self.spec.zero:
            return Choice(self._exactly(width))
        fill = chars(self.spec.fill)
        forms = []
        for padding in range(width):
            pad = Run(fill, padding, padding)
            for form in self._exactly(width - padding):
                forms.append(Seq((form, pad) if self.spec.align == "<" else (pad, form)))
        return Choice(forms)

    def _exactly(self, size: int) -> Iterator[Shape]:
        """All forms of so many characters."""
        sign, fewest, most = self._signs()
        for signs, (rest, rest_size) in product(
            range(fewest, most + 1), zip(self.rest, self.rest_sizes, strict=True)
        ):
            lead = size - signs - rest_size
            if lead >= 1 and (self.most is None or lead <= self.most):
                yield Seq((Run(sign, signs, signs), Run(self.digits, lead, lead), rest))


def _layout(spec: Spec, says: str) -> _Layout:
    """The layout of a specification with a type letter (``d f e E x X``)."""
    precision = 6 if spec.precision is None else spec.precision
    fraction = Seq((literal("."), Run(DIGIT, precision, precision))) if precision else EMPTY
    size = precision + 1 if precision else 0
    match spec.type:
        case "f":
            layout = _Layout(spec, most=MOST_DIGITS, rest=(fraction,), rest_sizes=(size,))
        case "e" | "E":
            exponents = [
                Seq((fraction, literal(spec.type), Run(chars("+-"), 1, 1), Run(DIGIT, digits, digits)))
                for digits in (2, 3)
            ]
            layout = _Layout(spec, most=1, rest=tuple(exponents), rest_sizes=(size + 4, size + 5))
        case "x" | "X":
            layout = _Layout(spec, digits=HEX)
        case _:
            layout = _Layout(spec)
    if spec.width is not None:
        if spec.width > WIDEST:
            raise ConfigurationError(f"{spec.text!r}: a number is at most {WIDEST} characters wide")
        if layout.leading(spec.width, negative=False) < 1:
            raise ConfigurationError(f"{spec.text!r} leaves no room for {says}")
    return layout


def _check_padding(spec: Spec) -> None:
    if spec.align == "^":
        raise ConfigurationError(f"{spec.text!r}: numbers stand left (<) or right (>)")
    if spec.align and (spec.zero or spec.width is None):
        raise ConfigurationError(f"{spec.text!r}: an alignment needs a width, and has no zero before it")
    if spec.width is not None and (spec.fill.isalnum() or spec.fill in "+-."):
        raise ConfigurationError(
            f"{spec.text!r}: {spec.fill!r} cannot fill beside a number; for zeros write 0 and the width"
        )
    if spec.sign == " " and spec.width is not None and not spec.zero:
        raise ConfigurationError(f"{spec.text!r}: a space for a sign cannot be told from one that fills")


def _fits(write: Callable[[Any], str], width: int | None) -> Callable[[Any], str]:
    """Refuse what is longer than the width."""
    if width is None:
        return write

    def fitting(value: Any) -> str:
        text = write(value)
        if len(text) != width:
            raise CodecError(f"{text} does not fit into {width} characters")
        return text

    return fitting


def _stripped(read: Callable[[str], Any], spec: Spec) -> Callable[[str], Any]:
    if spec.width is None or spec.zero:
        return read
    return lambda text: read(text.strip(spec.fill))


def _says(what: str, spec: Spec) -> str:
    decimals = (
        f" with {6 if spec.precision is None else spec.precision} decimals" if spec.type in "feE" else ""
    )
    size = f" in {spec.width} characters" if spec.width is not None else ""
    return what + (decimals if spec.type else "") + size


def _drawn_digits(layout: _Layout | None, random: Random) -> tuple[bool, int]:
    """Whether a drawn number is negative, and how many leading digits it may have: seldom many."""
    digits = random.choice((1, 2, 3, 3, 3, 6))
    negative = random.random() < 0.25
    if layout is None or layout.spec.width is None:
        return negative and (layout is None or layout.signed), digits
    room = layout.leading(layout.spec.width, negative=True)
    if not layout.signed or room < 1:
        negative = False
    return negative, min(digits, layout.leading(layout.spec.width, negative=negative))


def _whole(value: Any) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)  # numpy's, and the like
    raise refused(value, "a whole number")


def int_type(spec: Spec, *, signed: bool = True) -> FieldType:
    """
    ``int``: decimal, or hexadecimal without a sign.

    Args:
        spec: alignment, sign, zero, width, and ``d``, ``x`` or ``X``.
        signed: whether it may be negative.

    Raises:
        ConfigurationError: the specification is not one for whole numbers.
    """
    spec.only("align", "sign", "zero", "width", "type", of="int")
    if spec.type not in ("", "d", "x", "X"):
        raise ConfigurationError(f"{spec.text!r}: int is written with d, x or X")
    hexadecimal = spec.type in ("x", "X")
    signed = signed and not hexadecimal
    if not signed and spec.sign:
        raise ConfigurationError(f"{spec.text!r}: hexadecimal numbers and counts have no sign")
    _check_padding(spec)
    says = _says("a hexadecimal number" if hexadecimal else "a whole number", spec)
    layout = evolve(_layout(spec, says), signed=signed)
    free = signed and not spec.type and spec.width is None and not spec.sign
    format_spec = spec.python

    def write(value: Any) -> str:
        if type(value) is not int:
            value = _whole(value)
        if value < 0 and not signed:
            raise refused(value, says)
        try:
            return format(value, format_spec)
        except ValueError:  # Python's limit for the digits of a number
            raise CodecError("the number has too many digits") from None

    def read_hexadecimal(text: str) -> int:
        return int(text, 16)

    def draw(random: Random) -> int:
        negative, digits = _drawn_digits(layout, random)
        value = random.randrange((16 if hexadecimal else 10) ** digits)
        return -value if negative else value

    return FieldType(
        says,
        _ANY_INT if free else layout.shape(),
        _fits(write, spec.width),
        _stripped(read_hexadecimal if hexadecimal else int, spec),
        draw,
        _plain(int, spec, None if signed else (-1, inf)),
    )


def _plain(kind: type[Any], spec: Spec, between: tuple[float, float] | None) -> Plain | None:
    """Values between these are only formatted, where no width is to be kept."""
    format_spec = spec.python
    if spec.width is not None or not _HARMLESS.fullmatch(format_spec):
        return None
    return Plain(kind, format_spec, between)


def _real(value: Any) -> float:
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)  # an int, numpy's, and the like
        except OverflowError:
            raise CodecError(f"an {type(value).__name__} is too large for a float") from None
    raise refused(value, "a number")


def _check_decimals(spec: Spec, of: str) -> None:
    spec.only("align", "sign", "zero", "width", "precision", "type", "scale", of=of)
    _check_padding(spec)
    if spec.scale is not None:
        if spec.type not in ("", "d") or spec.precision is not None or str(spec.scale).strip("0") != "1":
            raise ConfigurationError(
                f"{spec.text!r}: a scaled number is written as in 07d/1000, by a power of 10"
            )
    elif spec.type == "" and (spec.precision is not None or spec.width is not None):
        raise ConfigurationError(f"{spec.text!r}: say how {of} is written, as in 8.3f, .6E or .6g")
    elif spec.type not in ("", "f", "e", "E", "g", "G"):
        raise ConfigurationError(
            f"{spec.text!r}: {of} is written with f, e, E, g or G, or scaled: 07d/1000"
        )
    elif spec.type in ("g", "G") and spec.width is not None:
        raise ConfigurationError(f"{spec.text!r}: for a fixed width, write {of} with f, e or E")
    if spec.precision is not None and spec.precision > WIDEST:
        raise ConfigurationError(f"{spec.text!r}: at most {WIDEST} decimals")


def _decimals_type(
    spec: Spec,
    says: str,
    make: type[float] | type[Decimal],
    write: Callable[[Any], str],
    read: Callable[[str], Any],
    *,
    plain: Plain | None = None,
) -> FieldType:
    """What float and Decimal have in common: the shape, the width, and how values are drawn."""
    free = spec.type in ("", "g", "G") and spec.scale is None
    layout = None if free else _layout(spec, says)
    write, read = _fits(write, spec.width), _stripped(read, spec)

    def draw(random: Random) -> Any:
        negative, digits = _drawn_digits(layout, random)
        if spec.scale is not None:
            steps = random.randrange(10**digits)
            return read(format(-steps if negative else steps, spec.python))
        whole = random.randrange(10 ** (1 if layout is not None and layout.most == 1 else digits))
        text = f"{'-' if negative else ''}{whole}.{random.randrange(1000):03d}"
        try:
            return read(write(make(text)))
        except CodecError:  # rounding made it one digit longer
            return read(write(make(whole)))

    return FieldType(says, _ANY_NUMBER if layout is None else layout.shape(), write, read, draw, plain)


def float_type(spec: Spec) -> FieldType:
    """
    ``float``: with decimals, an exponent, or scaled to a whole number.

    Raises:
        ConfigurationError: the specification is not one for floats.
    """
    _check_decimals(spec, "float")
    format_spec, scale = spec.python, spec.scale
    says = _says("a number" if scale is None else f"a number in steps of 1/{scale}", spec)
    largest = {"": inf, "f": 10.0**MOST_DIGITS}.get(spec.type, LARGEST_ROUNDED)

    def write(value: Any) -> str:
        if type(value) is not float:
            value = _real(value)
        if not -largest < value < largest:
            raise CodecError(f"{value!r} cannot be sent as {says}")
        return format(value, format_spec)

    def read(text: str) -> float:
        value = float(text)
        if not -inf < value < inf:
            raise CodecError("the number is too large for a float")
        return value

    def write_scaled(value: Any) -> str:
        if type(value) is not float:
            value = _real(value)
        assert scale is not None
        if not -LARGEST_STEPS < value * scale < LARGEST_STEPS:
            raise CodecError(f"{value!r} cannot be sent in steps of 1/{scale}")
        return format(round(value * scale), format_spec)

    def read_scaled(text: str) -> float:
        return _steps(text) / scale  # type: ignore[operator]

    if scale is not None:
        return _decimals_type(spec, says, float, write_scaled, read_scaled)
    # Few digits and no exponent make no infinity, so float alone is enough: it is faster by a third.
    quick_read = float if spec.type == "f" else read
    plain = _plain(float, spec, (-largest, largest))
    return _decimals_type(spec, says, float, write, quick_read, plain=plain)


def _steps(text: str) -> int:
    steps = int(text)
    if not -LARGEST_STEPS < steps < LARGEST_STEPS:
        raise CodecError("the number has too many digits")
    return steps


def decimal_type(spec: Spec) -> FieldType:
    """
    ``Decimal``: as :func:`float_type`, but exact.

    Raises:
        ConfigurationError: the specification is not one for numbers with decimals.
    """
    _check_decimals(spec, "Decimal")
    format_spec, scale = spec.python, spec.scale
    places = 0 if scale is None else len(str(scale)) - 1
    says = _says("a decimal number" if scale is None else f"a decimal number in steps of 1/{scale}", spec)
    largest = {"": inf, "f": MOST_DIGITS}.get(spec.type, 308)

    def checked(value: Any) -> Decimal:
        exact = value if isinstance(value, Decimal) else Decimal(_whole(value))
        if not exact.is_finite() or exact.adjusted() >= largest:
            raise CodecError(f"{exact} cannot be sent as {says}")
        return exact

    def write(value: Any) -> str:
        return format(checked(value), format_spec)

    def read(text: str) -> Decimal:
        try:
            return Decimal(text)
        except InvalidOperation:
            raise CodecError("the exponent is too large") from None

    def write_scaled(value: Any) -> str:
        value = checked(value)
        if value.adjusted() + places >= 15:
            raise CodecError(f"{value} cannot be sent in steps of 1/{scale}")
        return format(int(value.scaleb(places).to_integral_value(ROUND_HALF_EVEN)), format_spec)

    def read_scaled(text: str) -> Decimal:
        return Decimal(_steps(text)).scaleb(-places)

    if scale is not None:
        return _decimals_type(spec, says, Decimal, write_scaled, read_scaled)
    return _decimals_type(spec, says, Decimal, write, read)
