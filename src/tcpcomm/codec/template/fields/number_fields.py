"""
Number fields of templates: ``int``, ``float`` and ``Decimal``, with their format specifications.

A format specification determines the text that is written. Other usual forms of the number are read too: a
plus sign, other decimals, an exponent, more or less filling. Only the written form is read of a number in
hexadecimal, of one that is filled with zeros, of a format with ``!`` at its end, and of all numbers that
would make a template ambiguous otherwise. The functions raise ConfigurationError for a format specification
that does not suit the type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from math import inf
from numbers import Integral, Real
from random import Random
from typing import Any, Final

from attrs import evolve, frozen

from tcpcomm.codec.problems import wrong
from tcpcomm.codec.template.fields.field_type import FieldType, Plain
from tcpcomm.codec.template.fields.format_spec import FormatSpec
from tcpcomm.codec.template.fields.hex_fields import hex_float_type, hex_int_type
from tcpcomm.codec.template.regex_tree import (
    DIGIT,
    EMPTY,
    HEX,
    CharSet,
    Choice,
    Maybe,
    Run,
    Seq,
    TextPattern,
    chars,
    literal,
)
from tcpcomm.errors import CodecError

WIDEST: Final = 32
"""The most characters of a fixed width: enough for a float, and fast enough to check for ambiguity."""

MOST_DIGITS: Final = 18
"""The most digits before the point of a number with decimals: more than a float can distinguish."""

WIDEST_FREE: Final = 16
"""The most characters of a fixed width, if the number of decimals is free."""

LARGEST_ROUNDED: Final = 1e308
"""Floats below this limit stay finite when they are rounded to any number of digits."""

LARGEST_STEPS: Final = 10**15
"""Whole numbers up to this limit, divided by a power of ten, are all different floats."""

_SIGNS: Final = {"-": (chars("-"), 0), "+": (chars("+-"), 1), " ": (chars(" -"), 1)}
"""For each sign option: the possible characters, and their smallest number. The largest number is one."""

_SIGN: Final = Run(chars("+-"), 0, 1)
_WHOLE: Final = Run(DIGIT, 1, None)


def _decimal(most: int | None, exponent: int | None) -> TextPattern:
    """Return the usual forms of a number without its sign: at most so many digits before the point."""
    return Seq(
        (
            Choice(
                (
                    Seq((Run(DIGIT, 1, most), Maybe(Seq((literal("."), Run(DIGIT, 0, None)))))),
                    Seq((literal("."), Run(DIGIT, 1, None))),
                )
            ),
            Maybe(Seq((Run(chars("eE"), 1, 1), _SIGN, Run(DIGIT, 1, exponent)))),
        )
    )


_NUMBER: Final = _decimal(None, None)
_SMALL_NUMBER: Final = _decimal(MOST_DIGITS, 2)
"""Numbers of any usual form that are certainly finite as a float."""


def _usual(format_spec: FormatSpec, number: TextPattern) -> TextPattern | None:
    """
    Return the usual forms of a number that a format writes: with a plus sign, with other decimals.

    A number that is filled up to a width may have more or less of the filling. Return None if the number is
    filled with zeros, because then its width tells where it ends.
    """
    sign = Run(chars(" +-"), 0, 1) if format_spec.sign == " " else _SIGN
    if format_spec.zero:
        return None
    if format_spec.width is None:
        return Seq((sign, number))
    return _aligned(format_spec.align, Run(chars(format_spec.fill), 0, None), sign, number)


def _aligned(align: str, fill: TextPattern, sign: TextPattern, number: TextPattern) -> TextPattern:
    if align == "<":
        return Seq((sign, number, fill))
    return Seq((sign, fill, number) if align == "=" else (fill, sign, number))


@frozen
class _NumberForm:
    """The form of a number: a sign, leading digits, and a rest such as decimals or an exponent."""

    format_spec: FormatSpec
    digits: CharSet = DIGIT
    most: int | None = None
    """The largest number of leading digits; None if there is no limit."""
    rests: Mapping[int, TextPattern] = {0: EMPTY}
    """The possible rests by their size."""
    signed: bool = True
    free: bool = False
    """True if a point can be anywhere among the digits, or nowhere."""

    def _signs(self) -> tuple[CharSet, int, int]:
        """Return the characters of the sign, and their smallest and largest number."""
        if not self.signed:
            return chars("-"), 0, 0
        return (*_SIGNS[self.format_spec.sign or "-"], 1)

    def room(self, size: int, *, negative: bool) -> int:
        """Return the number of leading digits that fit into ``size`` characters."""
        _, fewest, most = self._signs()
        return size - (most if negative else fewest) - min(self.rests)

    def pattern(self) -> TextPattern:
        width = self.format_spec.width
        if width is None:
            rest, *others = self.rests.values()
            digits = Run(self.digits, 1, self.most)
            return Seq((Run(*self._signs()), digits, Choice((rest, *others)) if others else rest))
        fill = chars(self.format_spec.fill)
        choices = []
        for padding in range(1 if self.format_spec.zero else width):
            pad = Run(fill, padding, padding)
            for sign, number in self._exactly(width - padding):
                choices.append(_aligned(self.format_spec.align, pad, sign, number))
        return Choice(choices)

    def _exactly(self, size: int) -> Iterator[tuple[TextPattern, TextPattern]]:
        """Return the patterns of all numbers of exactly ``size`` characters, each behind its sign."""
        sign, fewest, most = self._signs()
        for signs in range(fewest, most + 1):
            for number in self._unsigned(size - signs):
                yield Run(sign, signs, signs), number

    def _unsigned(self, size: int) -> Iterator[TextPattern]:
        if self.free:
            if size >= 1:
                yield Run(self.digits, size, size)
            if size >= 2:
                yield _with_a_point(size)
            return
        for rest_size, rest in self.rests.items():
            digits = size - rest_size
            if digits >= 1 and (self.most is None or digits <= self.most):
                yield Seq((Run(self.digits, digits, digits), rest))


def _with_a_point(size: int) -> TextPattern:
    """Return the pattern of so many characters, which are digits and one point."""
    if size == 1:
        return literal(".")
    first, second = size // 2, size - size // 2
    return Choice(
        (
            Seq((_with_a_point(first), Run(DIGIT, second, second))),
            Seq((Run(DIGIT, first, first), _with_a_point(second))),
        )
    )


def _number_form(format_spec: FormatSpec, description: str) -> _NumberForm:
    """Return the form of the numbers of a format specification (``d f e E x X``, or no letter)."""
    precision = 6 if format_spec.precision is None else format_spec.precision
    fraction = Seq((literal("."), Run(DIGIT, precision, precision))) if precision else EMPTY
    size = precision + 1 if precision else 0
    letter = format_spec.type
    match letter:
        case "f":
            form = _NumberForm(format_spec, most=MOST_DIGITS, rests={size: fraction})
        case "e" | "E":
            begin = Seq((fraction, literal(letter), Run(chars("+-"), 1, 1)))
            exponents = {size + 2 + digits: Seq((begin, Run(DIGIT, digits, digits))) for digits in (2, 3)}
            form = _NumberForm(format_spec, most=1, rests=exponents)
        case "x" | "X":
            form = _NumberForm(format_spec, digits=HEX)
        case _:
            form = _NumberForm(format_spec)
    if format_spec.width is not None:
        if format_spec.width > WIDEST:
            raise format_spec.error(f"a number is at most {WIDEST} characters wide")
        if form.room(format_spec.width, negative=False) < 1:
            raise format_spec.error(f"this leaves no room for {description}")
    return form


def _check_padding(format_spec: FormatSpec) -> None:
    if format_spec.align == "^":
        raise format_spec.error("align numbers left (<) or right (>)")
    if format_spec.align == "=" and format_spec.text.startswith("0="):
        raise format_spec.error("for zeros behind the sign write +08.3f")
    if format_spec.align and (format_spec.zero or format_spec.width is None):
        raise format_spec.error("an alignment needs a width, and no zero in front of the width")
    if format_spec.width is not None and (format_spec.fill.isalnum() or format_spec.fill in "+-."):
        raise format_spec.error(f"{format_spec.fill!r} cannot fill a number; for zeros write 05d")
    if format_spec.sign == " " and format_spec.width is not None and not format_spec.zero:
        raise format_spec.error("a space as sign looks like a space that fills the width; add a zero: 05d")


def _fits(write: Callable[[Any], str], width: int | None) -> Callable[[Any], str]:
    if width is None:
        return write

    def fitting(value: Any) -> str:
        text = write(value)
        if len(text) != width:
            raise CodecError(f"{text} does not fit into {width} characters")
        return text

    return fitting


def _stripped(read: Callable[[str], Any], format_spec: FormatSpec) -> Callable[[str], Any]:
    if format_spec.width is None or format_spec.zero:
        return read
    if format_spec.align == "=":
        return lambda text: read(text.replace(format_spec.fill, ""))
    return lambda text: read(text.strip(format_spec.fill))


def _description(what: str, format_spec: FormatSpec) -> str:
    if format_spec.type and format_spec.type in "feE":
        what += f" with {6 if format_spec.precision is None else format_spec.precision} decimals"
    if format_spec.scale is not None:
        what += f" in steps of 1/{format_spec.scale}"
    return what if format_spec.width is None else f"{what} in {format_spec.width} characters"


def _draw_size(form: _NumberForm, random: Random) -> tuple[bool, int]:
    """Draw whether a number is negative, and its largest number of leading digits, usually a small one."""
    digits = random.choice((1, 2, 3, 3, 3, 6))
    negative = random.random() < 0.25 and form.signed
    width = form.format_spec.width
    if width is None:
        return negative, digits
    negative = negative and form.room(width, negative=True) >= 1
    return negative, min(digits, form.room(width, negative=negative))


def _checked_int(value: Any) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)  # a number of numpy, for example
    raise wrong("a whole number", value)


def int_type(format_spec: FormatSpec, *, signed: bool = True) -> FieldType:
    """Return the field type of ``int``: decimal, with a sign if ``signed``, or hexadecimal."""
    if format_spec.machine and signed:
        return hex_int_type(format_spec)
    format_spec.allow_only("align", "sign", "zero", "width", "type", "exact", of="int")
    if format_spec.type not in ("", "d", "x", "X"):
        raise format_spec.error("write int with d, x or X")
    hexadecimal = format_spec.type in ("x", "X")
    signed = signed and not hexadecimal
    if not signed and format_spec.sign:
        raise format_spec.error("hexadecimal numbers and counts have no sign")
    _check_padding(format_spec)
    description = _description("a hexadecimal number" if hexadecimal else "a whole number", format_spec)
    form = evolve(_number_form(format_spec, description), signed=signed)
    free = signed and not format_spec.type and format_spec.width is None and not format_spec.sign
    python_format = format_spec.python

    def write(value: Any) -> str:
        if type(value) is not int:
            value = _checked_int(value)
        if value < 0 and not signed:
            raise wrong(description, value)
        try:
            return format(value, python_format)
        except ValueError:  # Python limits the digits of a number
            raise CodecError("the number has too many digits") from None

    def read(text: str) -> int:
        return int(text, 16)

    def draw(random: Random) -> int:
        negative, digits = _draw_size(form, random)
        value = random.randrange((16 if hexadecimal else 10) ** digits)
        return -value if negative else value

    kind = FieldType(
        description,
        form.pattern(),
        _fits(write, format_spec.width),
        _stripped(read if hexadecimal else int, format_spec),
        draw,
        Plain(int, python_format, None if signed else (-1, inf)) if format_spec.width is None else None,
    )
    usual = _usual(format_spec, _WHOLE) if signed else None
    return _read_as_usual(kind, usual, format_spec, free=free)


def _read_as_usual(
    kind: FieldType, usual: TextPattern | None, format_spec: FormatSpec, *, free: bool
) -> FieldType:
    """Return the type of a number that is read in every usual form, unless its format forbids it."""
    if free:
        if format_spec.exact:
            raise format_spec.error("a number without a format is read in every usual form: remove the '!'")
        assert usual is not None
        return evolve(kind, pattern=usual)
    if usual is None or format_spec.exact:
        return kind
    return evolve(kind, pattern=usual, written=kind.pattern)


def _checked_float(value: Any) -> float:
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)  # an int, or a number of numpy, for example
        except OverflowError:
            raise CodecError(f"an {type(value).__name__} is too large for a float") from None
    raise wrong("a number", value)


def _check_decimals(format_spec: FormatSpec, of: str) -> None:
    parts = ("align", "sign", "zero", "width", "precision", "type", "scale", "exact")
    format_spec.allow_only(*parts, of=of)
    _check_padding(format_spec)
    letter, precision, scale = format_spec.type, format_spec.precision, format_spec.scale
    if scale is not None:
        if letter not in ("", "d") or precision is not None or str(scale).strip("0") != "1":
            raise format_spec.error("write a scaled number as 07d/1000, with a power of 10")
    elif letter == "" and precision is not None:
        raise format_spec.error(f"add the letter that says how to write {of}, as in 8.3f, .6E or .6g")
    elif letter == "" and format_spec.width is not None and format_spec.width > WIDEST_FREE:
        raise format_spec.error(
            f"a number with any decimals is at most {WIDEST_FREE} characters wide; for more, write 20.3f"
        )
    elif letter not in ("", "f", "e", "E", "g", "G"):
        raise format_spec.error(f"write {of} with f, e, E, g or G, or scaled, as in 07d/1000")
    elif letter in ("g", "G") and format_spec.width is not None:
        raise format_spec.error(f"for a fixed width, write {of} with f, e or E")
    if precision is not None and precision > WIDEST:
        raise format_spec.error(f"a number has at most {WIDEST} decimals")


def _decimals_type(
    format_spec: FormatSpec,
    description: str,
    make: type[float] | type[Decimal],
    write: Callable[[Any], str],
    read: Callable[[str], Any],
    *,
    plain: Plain | None = None,
) -> FieldType:
    """Return the field type of a float or a Decimal."""
    letterless = format_spec.type == "" and format_spec.scale is None
    free = format_spec.type in ("g", "G") or (letterless and format_spec.width is None)
    form = _number_form(format_spec, description)
    if letterless and format_spec.width is not None:
        form = evolve(form, free=True)
        write = _with_free_decimals(write, format_spec)
    write, read = _fits(write, format_spec.width), _stripped(read, format_spec)

    def draw(random: Random) -> Any:
        negative, digits = _draw_size(form, random)
        if format_spec.scale is not None:
            steps = random.randrange(10**digits)
            return read(format(-steps if negative else steps, format_spec.python))
        whole = random.randrange(10 ** (1 if form.most == 1 else digits))
        decimals = f"{random.randrange(1000):03d}"
        for text in (f"{whole}.{decimals}", f"{whole}.{decimals[0]}", f"{whole % 10}"):
            for sign in ("-", "") if negative else ("",):
                with suppress(CodecError):  # it is too long, or rounding added a digit
                    return read(write(make(sign + text)))
        raise AssertionError(format_spec)

    whole_only = format_spec.scale is not None
    number = _WHOLE if whole_only else _SMALL_NUMBER if format_spec.type == "f" else _NUMBER
    kind = FieldType(description, form.pattern(), write, read, draw, plain)
    return _read_as_usual(kind, _usual(format_spec, number), format_spec, free=free)


def _with_free_decimals(write: Callable[[Any], str], format_spec: FormatSpec) -> Callable[[Any], str]:
    """Return a function that writes as many decimals as the value has, and no exponent, in the width."""
    width = format_spec.width
    assert width is not None
    pad = {"<": str.ljust}.get(format_spec.align, str.rjust)

    def positional(value: Any) -> str:
        text = format(Decimal(write(value).strip(format_spec.fill).replace(format_spec.fill, "")), "f")
        if len(text) > width:
            text = text.removesuffix(".0")
        digits = text.lstrip("-")
        sign = "-" if digits != text else format_spec.sign.replace("-", "")
        if format_spec.zero:
            return sign + digits.rjust(width - len(sign), "0")
        if format_spec.align == "=":
            return sign + digits.rjust(width - len(sign), format_spec.fill)
        return pad(sign + digits, width, format_spec.fill)

    return positional


def float_type(format_spec: FormatSpec) -> FieldType:
    """Return the field type of ``float``: with decimals, an exponent, or scaled to a whole number."""
    if format_spec.machine:
        return hex_float_type(format_spec)
    _check_decimals(format_spec, "float")
    python_format, scale = format_spec.python, format_spec.scale
    description = _description("a number", format_spec)
    if scale is None:
        largest = {"": inf, "f": 10.0**MOST_DIGITS}.get(format_spec.type, LARGEST_ROUNDED)
        plain = Plain(float, python_format, (-largest, largest)) if format_spec.width is None else None
    else:
        largest, plain = LARGEST_STEPS, None

    def write(value: Any) -> str:
        if type(value) is not float:
            value = _checked_float(value)
        if not -largest < value * (scale or 1) < largest:
            raise CodecError(f"{value!r} cannot be sent {_form(description, scale)}")
        return format(value if scale is None else round(value * scale), python_format)

    def read(text: str) -> float:
        if scale is not None:
            return _steps(text) / scale
        value = float(text)
        if not -inf < value < inf:
            raise CodecError("the number is too large for a float")
        return value

    # With few digits and no exponent the value is finite, so float alone is enough, and faster.
    quick_read = float if format_spec.type == "f" else read
    return _decimals_type(format_spec, description, float, write, quick_read, plain=plain)


def _form(description: str, scale: int | None) -> str:
    return f"as {description}" if scale is None else f"in steps of 1/{scale}"


def _steps(text: str) -> int:
    steps = int(text)
    if not -LARGEST_STEPS < steps < LARGEST_STEPS:
        raise CodecError("the number has too many digits")
    return steps


def decimal_type(format_spec: FormatSpec) -> FieldType:
    """Return the field type of ``Decimal``: like :func:`float_type`, but exact."""
    _check_decimals(format_spec, "Decimal")
    python_format, scale = format_spec.python, format_spec.scale
    places = 0 if scale is None else len(str(scale)) - 1
    description = _description("a decimal number", format_spec)
    largest = {"": inf, "f": MOST_DIGITS}.get(format_spec.type, 308) if scale is None else 15

    def write(value: Any) -> str:
        exact = value if isinstance(value, Decimal) else Decimal(_checked_int(value))
        if not exact.is_finite() or exact.adjusted() + places >= largest:
            raise CodecError(f"{exact} cannot be sent {_form(description, scale)}")
        if scale is None:
            return format(exact, python_format)
        return format(int(exact.scaleb(places).to_integral_value(ROUND_HALF_EVEN)), python_format)

    def read(text: str) -> Decimal:
        if scale is not None:
            return Decimal(_steps(text)).scaleb(-places)
        try:
            return Decimal(text)
        except InvalidOperation:
            raise CodecError("the exponent is too large") from None

    return _decimals_type(format_spec, description, Decimal, write, read)
